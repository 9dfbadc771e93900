-- The two event logs, and what must move in one transaction with them.

-- Roles are shared by all databases of a server, so another database may have made them already.
DO $$
DECLARE
  role text;
BEGIN
  FOREACH role IN ARRAY ARRAY['evledger_app', 'evledger_projector', 'evledger_finance', 'evledger_auditor'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', role);
    END IF;
    EXECUTE format('GRANT %I TO CURRENT_USER', role);
  END LOOP;
END $$;

CREATE SCHEMA ledger;
REVOKE ALL ON SCHEMA ledger FROM PUBLIC;
GRANT USAGE ON SCHEMA ledger TO evledger_app, evledger_projector, evledger_auditor;

CREATE TABLE ledger.session_events (
  originator_id uuid NOT NULL,
  originator_version bigint NOT NULL,
  topic text NOT NULL,
  state bytea NOT NULL,
  notification_id bigint NOT NULL,
  recorded_at timestamptz NOT NULL,
  PRIMARY KEY (originator_id, originator_version)
);
CREATE UNIQUE INDEX session_events_notification_id_idx ON ledger.session_events (notification_id);

CREATE TABLE ledger.billing_events (LIKE ledger.session_events INCLUDING ALL);

-- Rights can be given again; a trigger refuses owners and superusers too.
CREATE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% on %.% is refused: facts are only ever appended', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER session_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.session_events
  FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER billing_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.billing_events
  FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- How far a process has followed a log (the event store library's tracking table, one for each log that it writes).
CREATE TABLE ledger.session_tracking (application_name text PRIMARY KEY, notification_id bigint NOT NULL);
CREATE TABLE ledger.billing_tracking (application_name text PRIMARY KEY, notification_id bigint NOT NULL);

-- Where the consumers stand. The totals are each counted by themselves: a number computed from the others could
-- never show a fault. Parked and discarded messages are counted in parked_messages.
CREATE TABLE ledger.consumer_topics (
  consumer_group text NOT NULL,
  topic text NOT NULL,
  topic_id text NOT NULL,
  partitions integer NOT NULL CHECK (partitions > 0),
  PRIMARY KEY (consumer_group, topic)
);

CREATE TABLE ledger.consumer_positions (
  consumer_group text NOT NULL,
  topic text NOT NULL,
  partition integer NOT NULL,
  next_offset bigint NOT NULL CHECK (next_offset >= 0),
  epoch bigint NOT NULL DEFAULT 0,
  owner text NOT NULL DEFAULT '',
  messages_read bigint NOT NULL DEFAULT 0,
  appended bigint NOT NULL DEFAULT 0,
  duplicates bigint NOT NULL DEFAULT 0,
  newest_at timestamptz,
  PRIMARY KEY (consumer_group, topic, partition)
) WITH (fillfactor = 50);  -- rows are updated with every batch: room for updates within the page

-- Messages that led to no fact, with their raw bytes. `outcome` is PARKED until an operator or what it waited for
-- settles it.
CREATE TABLE ledger.parked_messages (
  parked_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  consumer_group text NOT NULL,
  topic text NOT NULL,
  partition integer NOT NULL,
  "offset" bigint NOT NULL,
  record_key bytea,
  value bytea,
  headers bytea,
  kind text NOT NULL CHECK (kind IN ('UNREADABLE', 'REFUSED', 'WAITING')),
  reason text NOT NULL,
  tenant text,
  subject text,
  source text,
  message_id text,
  content_sha256 text,
  waits_for uuid,
  outcome text NOT NULL DEFAULT 'PARKED' CHECK (outcome IN ('PARKED', 'APPENDED', 'DUPLICATE', 'DISCARDED')),
  parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  settled_at timestamptz,
  settled_by text,
  settled_because text,
  UNIQUE (consumer_group, topic, partition, "offset"),
  CHECK ((kind = 'WAITING') = (waits_for IS NOT NULL))
);
CREATE UNIQUE INDEX parked_messages_name_idx
  ON ledger.parked_messages (tenant, subject, source, message_id, content_sha256) WHERE message_id IS NOT NULL;
CREATE INDEX parked_messages_waits_for_idx
  ON ledger.parked_messages (waits_for, parked_id) WHERE outcome = 'PARKED' AND waits_for IS NOT NULL;

-- The biller's memory of each session that may be billed: moved in the transaction of the invoices, and made
-- again from the two logs if it is ever lost.
CREATE TABLE ledger.charges (
  tenant text NOT NULL,
  session_id text NOT NULL,
  revision integer NOT NULL,
  rated_position bigint NOT NULL,
  legal_entity text NOT NULL,
  account_id text NOT NULL,
  currency text NOT NULL,
  authority text NOT NULL,
  amount_minor bigint NOT NULL,
  billing text NOT NULL,
  period text,
  period_ends_at timestamptz,
  held boolean NOT NULL DEFAULT false,
  invoiced_revision integer,
  invoiced_amount_minor bigint,
  invoice_number text,
  PRIMARY KEY (tenant, session_id)
);
CREATE INDEX charges_open_idx ON ledger.charges (period_ends_at, tenant, legal_entity, account_id, currency)
  WHERE invoice_number IS NULL AND NOT held AND amount_minor <> 0;

GRANT SELECT, INSERT ON ledger.session_events, ledger.billing_events TO evledger_app;
GRANT SELECT, INSERT, UPDATE ON ledger.session_tracking, ledger.billing_tracking, ledger.consumer_topics,
  ledger.consumer_positions, ledger.parked_messages, ledger.charges TO evledger_app;
GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO evledger_projector, evledger_auditor;
