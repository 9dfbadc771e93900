-- Facts about meters are few, and stand among every fact about sessions.
CREATE INDEX session_events_meters_idx ON ledger.session_events (notification_id)
  WHERE topic IN ('meter.KeyRegistered', 'meter.MeterReplaced', 'meter.MeterConfigured');

-- Sessions of which a later fact about their meter may say something else: where to look when it comes. `version` is how
-- much of the meter (its stream) was known when the session was judged. All of them can be made again from the sessions
-- log.
CREATE TABLE ledger.awaited_meters (
  tenant text NOT NULL,
  session_id text NOT NULL,
  meter_id text NOT NULL,
  stream_id uuid NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (tenant, session_id)
);
CREATE INDEX awaited_meters_meter_idx ON ledger.awaited_meters (tenant, meter_id, version);
GRANT SELECT, INSERT, UPDATE, DELETE ON ledger.awaited_meters TO evledger_app;
GRANT SELECT ON ledger.awaited_meters TO evledger_projector, evledger_auditor;
