-- The OCPP adapter's own tables: rows that it works with, no facts. What it says goes out through the outbox, once.

-- Stations as they were configured last, and the names of the messages that said so: a repeat is known however late.
-- `waits_key` is what frames are parked under that came before their station.
CREATE TABLE ledger.ocpp_stations (
  tenant text NOT NULL,
  station_id text NOT NULL,
  configured_at timestamptz NOT NULL,
  configuration bytea NOT NULL,
  waits_key uuid NOT NULL UNIQUE,
  stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant, station_id)
);
CREATE INDEX ocpp_stations_stored_at_idx ON ledger.ocpp_stations (stored_at);
CREATE TABLE ledger.ocpp_station_messages (
  tenant text NOT NULL,
  station_id text NOT NULL,
  source text NOT NULL,
  message_id text NOT NULL,
  content_sha256 text NOT NULL,
  PRIMARY KEY (tenant, station_id, source, message_id)
);

-- Which account holds a token, by the account's newest message; tokens in capital letters.
CREATE TABLE ledger.ocpp_tokens (
  tenant text NOT NULL,
  token_uid text NOT NULL,
  account_id text NOT NULL,
  changed_at timestamptz NOT NULL,
  waits_key uuid NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant, token_uid, account_id)
);
CREATE INDEX ocpp_tokens_stored_at_idx ON ledger.ocpp_tokens (stored_at);
CREATE INDEX ocpp_tokens_account_idx ON ledger.ocpp_tokens (tenant, account_id);

-- How far the billing log was followed for the tokens of accounts that came by another way than the adapter's topics.
CREATE TABLE ledger.ocpp_followed (tenant text PRIMARY KEY, position bigint NOT NULL);

CREATE TABLE ledger.ocpp_transactions (
  tenant text NOT NULL,
  session_id text NOT NULL,
  station_id text NOT NULL,
  transaction_id text NOT NULL,
  started_at timestamptz,
  evse_id integer,
  connector_id integer,
  token_uid text,
  register_milliwh bigint,
  seq_no integer,
  message_id text,
  is_announced boolean NOT NULL,
  ended_at timestamptz,
  last_at timestamptz,
  last_register_milliwh bigint,
  PRIMARY KEY (tenant, session_id)
) WITH (fillfactor = 70);  -- written with every batch that has a reading: room for the next version beside it
CREATE INDEX ocpp_transactions_station_idx ON ledger.ocpp_transactions (tenant, station_id, started_at DESC);
CREATE INDEX ocpp_transactions_id_idx ON ledger.ocpp_transactions (tenant, station_id, transaction_id);

-- Messages to be sent, each once by its name. Writers hold a lock until they commit, so positions commit in order.
CREATE TABLE ledger.ocpp_outbox (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text NOT NULL,
  session_id text NOT NULL,
  message_id text NOT NULL,
  value bytea NOT NULL,
  UNIQUE (tenant, session_id, message_id)
);
CREATE TABLE ledger.ocpp_published (topic text PRIMARY KEY, position bigint NOT NULL);

-- Frames that say nothing about charging, such as a Heartbeat: counted, and no messages.
CREATE TABLE ledger.ocpp_ignored (
  consumer_group text NOT NULL,
  topic text NOT NULL,
  partition integer NOT NULL,
  action text NOT NULL,
  frames bigint NOT NULL,
  PRIMARY KEY (consumer_group, topic, partition, action)
);

GRANT SELECT, INSERT, UPDATE ON ledger.ocpp_stations, ledger.ocpp_station_messages, ledger.ocpp_transactions,
  ledger.ocpp_outbox, ledger.ocpp_published, ledger.ocpp_ignored, ledger.ocpp_followed TO evledger_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ledger.ocpp_tokens TO evledger_app;
GRANT SELECT ON ledger.ocpp_stations, ledger.ocpp_station_messages, ledger.ocpp_tokens, ledger.ocpp_transactions,
  ledger.ocpp_outbox, ledger.ocpp_published, ledger.ocpp_ignored, ledger.ocpp_followed
  TO evledger_projector, evledger_auditor;
