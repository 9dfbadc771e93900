-- What time alone may change: sessions without an end, and those held for messages that are missing. Followed from the
-- sessions log by whoever sends ticks, and made again from it if ever lost (its position: session_tracking, `ticks`).
CREATE TABLE ledger.awaited_sessions (
  stream_id uuid NOT NULL,
  waits_for text NOT NULL CHECK (waits_for IN ('END', 'SEQ_GAP')),
  tenant text NOT NULL,
  session_id text NOT NULL,
  since timestamptz NOT NULL,
  PRIMARY KEY (stream_id, waits_for)
);
CREATE INDEX awaited_sessions_since_idx ON ledger.awaited_sessions (waits_for, since, stream_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON ledger.awaited_sessions TO evledger_app;
GRANT SELECT ON ledger.awaited_sessions TO evledger_projector, evledger_auditor;
