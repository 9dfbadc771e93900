-- The read side: generation tables that are fed from the logs, thin views that name the live generation, and the
-- views that finance reads. Everything here belongs to the projector, which can make it anew without more rights.

CREATE SCHEMA projection AUTHORIZATION evledger_projector;
CREATE SCHEMA finance AUTHORIZATION evledger_projector;
SET ROLE evledger_projector;

REVOKE ALL ON SCHEMA projection, finance FROM PUBLIC;
GRANT USAGE ON SCHEMA finance TO evledger_finance, evledger_auditor, evledger_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA finance GRANT SELECT ON TABLES TO evledger_finance, evledger_auditor, evledger_app;

-- How far each generation has followed its log. `as_of` is when the fact at that position was recorded.
CREATE TABLE projection.positions (
  name text NOT NULL,
  generation integer NOT NULL CHECK (generation > 0),
  log text NOT NULL CHECK (log IN ('session', 'billing')),
  position bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
  as_of timestamptz,
  live boolean NOT NULL,
  PRIMARY KEY (name, log, generation)
) WITH (fillfactor = 50);  -- rows are updated with every page: room for updates within the block
CREATE UNIQUE INDEX positions_live_idx ON projection.positions (name, log) WHERE live;

-- Fed by the sessions log.

CREATE TABLE projection.session_costs_1 (
  stream_id uuid PRIMARY KEY,
  tenant text NOT NULL,
  session_id text NOT NULL,
  account_id text,
  payment_id text,
  legal_entity text,
  location_id text NOT NULL,
  evse_uid text NOT NULL,
  station_id text,
  operator_id text,
  country text NOT NULL,
  time_zone text NOT NULL,
  tariff_id text,
  tariff_version bigint,
  started_at timestamptz NOT NULL,
  ended_at timestamptz,
  first_register_milliwh bigint NOT NULL,
  last_register_milliwh bigint,
  held_codes text[] NOT NULL,
  revision integer,
  rated_at timestamptz,
  energy_milliwh bigint,
  currency text,
  authority text,
  amount_minor bigint,
  excl_minor bigint,
  incl_minor bigint,
  UNIQUE (tenant, session_id)
) WITH (fillfactor = 70);  -- a session is written two or three times: room for its next version beside it

-- Fed by the billing log.

CREATE TABLE projection.invoice_register_1 (
  tenant text NOT NULL,
  number text NOT NULL,
  invoice_id text NOT NULL,
  series text NOT NULL,
  number_in_series bigint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('INVOICE', 'CREDIT_NOTE')),
  corrects text,
  legal_entity text NOT NULL,
  account_id text NOT NULL,
  period text,
  issued_at timestamptz NOT NULL,
  issued_on date NOT NULL,
  due_on date NOT NULL,
  currency text NOT NULL,
  net_minor bigint NOT NULL,
  vat_minor bigint NOT NULL,
  gross_minor bigint NOT NULL,
  paid_minor bigint NOT NULL,
  document_sha256 text NOT NULL,
  recorded_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, number),
  UNIQUE (tenant, series, number_in_series),
  CHECK (net_minor + vat_minor = gross_minor)
);
CREATE INDEX invoice_register_1_account_idx ON projection.invoice_register_1 (tenant, account_id, issued_on);

CREATE TABLE projection.invoice_lines_1 (
  tenant text NOT NULL,
  number text NOT NULL,
  line integer NOT NULL,
  session_id text NOT NULL,
  description text NOT NULL,
  dimension text NOT NULL,
  quantity numeric NOT NULL,
  unit text NOT NULL,
  unit_price numeric NOT NULL,
  net_minor bigint NOT NULL,
  gross_minor bigint,
  vat_percent numeric NOT NULL,
  category text NOT NULL,
  currency text NOT NULL,
  tariff_id text NOT NULL,
  tariff_version bigint NOT NULL,
  PRIMARY KEY (tenant, number, line)
);
CREATE INDEX invoice_lines_1_session_idx ON projection.invoice_lines_1 (tenant, session_id);

CREATE TABLE projection.invoice_vat_1 (
  tenant text NOT NULL,
  number text NOT NULL,
  country text NOT NULL,
  category text NOT NULL,
  vat_percent numeric NOT NULL,
  issued_on date NOT NULL,
  currency text NOT NULL,
  net_minor bigint NOT NULL,
  vat_minor bigint NOT NULL,
  PRIMARY KEY (tenant, number, country, category, vat_percent)
);

-- `documents` counts the documents that bill the session: more than one is a fault that completeness shows.
CREATE TABLE projection.billed_sessions_1 (
  tenant text NOT NULL,
  session_id text NOT NULL,
  number text NOT NULL,
  revision integer NOT NULL,
  currency text NOT NULL,
  amount_minor bigint NOT NULL,
  net_minor bigint NOT NULL,
  documents integer NOT NULL,
  PRIMARY KEY (tenant, session_id)
);

CREATE TABLE projection.gl_journal_1 (
  entry_id text NOT NULL,
  posting integer NOT NULL,
  tenant text NOT NULL,
  occurred_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  account text NOT NULL CHECK (account IN ('receivable', 'revenue', 'vat_payable', 'clearing', 'prepayment', 'bank',
    'fees', 'rounding', 'disputed_receivable', 'write_off')),
  debit_minor bigint NOT NULL,
  credit_minor bigint NOT NULL,
  currency text NOT NULL,
  account_id text NOT NULL,
  source text NOT NULL,
  document text NOT NULL,
  legal_entity text NOT NULL,
  PRIMARY KEY (entry_id, posting),
  CHECK (debit_minor >= 0 AND credit_minor >= 0 AND (debit_minor = 0) <> (credit_minor = 0))
);
CREATE INDEX gl_journal_1_payer_idx ON projection.gl_journal_1 (tenant, account_id, occurred_at);

-- An entry comes in one statement, so a statement sees whole entries.
CREATE FUNCTION projection.refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  wrong record;
BEGIN
  SELECT entry_id, currency INTO wrong FROM added
    GROUP BY entry_id, currency HAVING sum(debit_minor) <> sum(credit_minor) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'journal entry % does not balance in %', wrong.entry_id, wrong.currency
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER gl_journal_balanced AFTER INSERT ON projection.gl_journal_1 REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION projection.refuse_unbalanced();

CREATE TABLE projection.customer_balances_1 (
  tenant text NOT NULL,
  account_id text NOT NULL,
  currency text NOT NULL,
  balance_minor bigint NOT NULL,
  prepaid_minor bigint NOT NULL,
  PRIMARY KEY (tenant, account_id, currency)
) WITH (fillfactor = 70);  -- rows are updated with every posting

-- A missing station, operator or tariff is the empty text here, so that it can be part of the key.
CREATE TABLE projection.revenue_1 (
  tenant text NOT NULL,
  day date NOT NULL,
  currency text NOT NULL,
  legal_entity text NOT NULL,
  station_id text NOT NULL,
  operator_id text NOT NULL,
  tariff_id text NOT NULL,
  net_minor bigint NOT NULL,
  sessions bigint NOT NULL,
  energy_milliwh bigint NOT NULL,
  PRIMARY KEY (tenant, day, currency, legal_entity, station_id, operator_id, tariff_id)
) WITH (fillfactor = 70);  -- rows of the newest day are updated with every page

-- Generations. The thin view has the projection's name and shows the live generation.

CREATE FUNCTION projection.table_name(name text, generation integer) RETURNS text
  IMMUTABLE RETURN name || '_' || generation;

CREATE FUNCTION projection.show_generation(name text, generation integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE OR REPLACE VIEW projection.%I AS SELECT * FROM projection.%I',
    name, projection.table_name(name, generation));
END $$;

-- An empty copy of a generation: columns, checks, indexes, storage parameters, triggers.
CREATE FUNCTION projection.make_generation(name text, old integer, new integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  old_table text := format('projection.%I', projection.table_name(name, old));
  new_table text := format('projection.%I', projection.table_name(name, new));
  parameters text := (SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = old_table::regclass);
  definition text;
BEGIN
  EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL)', new_table, old_table);
  IF parameters IS NOT NULL THEN
    EXECUTE format('ALTER TABLE %s SET (%s)', new_table, parameters);
  END IF;
  FOR definition IN SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = old_table::regclass AND NOT tgisinternal
  LOOP
    EXECUTE replace(definition, format(' ON %s ', old_table), format(' ON %s ', new_table));
  END LOOP;
END $$;

CREATE FUNCTION projection.drop_generation(name text, generation integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('DROP TABLE IF EXISTS projection.%I', projection.table_name(name, generation));
END $$;

INSERT INTO projection.positions (name, generation, log, live) VALUES
  ('session_costs', 1, 'session', true),
  ('invoice_register', 1, 'billing', true),
  ('invoice_lines', 1, 'billing', true),
  ('invoice_vat', 1, 'billing', true),
  ('billed_sessions', 1, 'billing', true),
  ('gl_journal', 1, 'billing', true),
  ('customer_balances', 1, 'billing', true),
  ('revenue', 1, 'billing', true);
SELECT projection.show_generation(name, generation) FROM projection.positions;

-- The outbox: what was said stays said, so it is never made anew and has one generation for ever.

INSERT INTO projection.positions (name, generation, log, live) VALUES
  ('outbox', 1, 'session', true), ('outbox', 1, 'billing', true);

CREATE TABLE projection.outbox (
  position bigint PRIMARY KEY,
  id text NOT NULL UNIQUE,
  type text NOT NULL,
  key text NOT NULL,
  payload bytea NOT NULL
);

-- The last position given; a row of its own, so that a position is never given twice when old rows leave.
CREATE TABLE projection.outbox_head (position bigint NOT NULL);
INSERT INTO projection.outbox_head VALUES (0);

-- The balance that was last said of each account: the outbox cannot lean on a table that may be dropped.
CREATE TABLE projection.outbox_balances (
  tenant text NOT NULL,
  account_id text NOT NULL,
  currency text NOT NULL,
  balance_minor bigint NOT NULL,
  PRIMARY KEY (tenant, account_id, currency)
) WITH (fillfactor = 70);  -- rows are updated with every posting

-- How far the outbox was published to each topic.
CREATE TABLE projection.published_positions (topic text PRIMARY KEY, position bigint NOT NULL);

RESET ROLE;
