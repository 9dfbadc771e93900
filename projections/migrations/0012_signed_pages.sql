-- A session over an exchange has two meters, and may wait for more about either of them.
ALTER TABLE ledger.awaited_meters DROP CONSTRAINT awaited_meters_pkey,
  ADD PRIMARY KEY (tenant, session_id, meter_id);

-- The pages that meters signed in each session, for the order of pages across sessions. They are in the sessions' own
-- facts, so all of them can be made again from the sessions log.
CREATE TABLE ledger.signed_pages (
  tenant text NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  meter_id text NOT NULL,
  context text NOT NULL,
  started_at timestamptz NOT NULL,
  last_page numeric NOT NULL,  -- a meter may sign more digits than an integer of eight bytes has
  PRIMARY KEY (tenant, session_id, meter_id, context)
);
CREATE INDEX signed_pages_meter_idx
  ON ledger.signed_pages (tenant, meter_id, context, started_at, session_id) INCLUDE (last_page);
GRANT SELECT, INSERT, DELETE ON ledger.signed_pages TO evledger_app;
GRANT SELECT ON ledger.signed_pages TO evledger_projector, evledger_auditor;
