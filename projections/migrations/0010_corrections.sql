-- Corrections after the invoice: credit notes.

-- `credited_by` is the last credit note that took the session off an invoice, `closed_until` the end of the last period
-- it was billed in before that: the account's statement of that period was issued, whatever became of the session.
ALTER TABLE ledger.charges ADD COLUMN credited_by text, ADD COLUMN closed_until timestamptz;
CREATE INDEX charges_corrections_idx ON ledger.charges (tenant, invoice_number COLLATE "C", session_id COLLATE "C")
  WHERE invoice_number IS NOT NULL AND NOT held AND amount_minor <> invoiced_amount_minor;

SET ROLE evledger_projector;

DO $$
DECLARE
  built record;
BEGIN
  FOR built IN SELECT generation FROM projection.positions WHERE name = 'invoice_register' LOOP
    EXECUTE format('CREATE INDEX ON projection.%I (tenant, corrects) WHERE corrects IS NOT NULL',
      projection.table_name('invoice_register', built.generation));
  END LOOP;
END $$;

-- What credit notes take off an invoice is owed no longer, as if it was paid.
CREATE VIEW projection.invoice_balances AS
SELECT r.*, coalesce((SELECT sum(n.gross_minor) FROM projection.invoice_register n
  WHERE n.tenant = r.tenant AND n.corrects = r.number AND n.kind = 'CREDIT_NOTE'), 0)::bigint AS credited_minor
FROM projection.invoice_register r;

CREATE OR REPLACE VIEW finance.invoice_register AS
SELECT tenant, series, number_in_series, number, kind, corrects, legal_entity, account_id, period, issued_on, due_on,
  net_minor, vat_minor, gross_minor, currency, paid_minor,
  CASE
    WHEN kind = 'CREDIT_NOTE' THEN 'ISSUED'
    WHEN credited_minor >= gross_minor AND credited_minor > 0 THEN 'CREDITED'
    WHEN paid_minor + credited_minor >= gross_minor THEN 'PAID'
    WHEN paid_minor + credited_minor > 0 THEN 'PARTLY_PAID'
    ELSE 'OPEN'
  END AS status,
  document_sha256, invoice_id, issued_at, recorded_at, credited_minor
FROM projection.invoice_balances;

CREATE OR REPLACE VIEW finance.ar_open_items AS
SELECT tenant, account_id, number, issued_on, due_on, currency, gross_minor, paid_minor,
  gross_minor - paid_minor - credited_minor AS open_minor, greatest(0, today - due_on) AS days_overdue,
  CASE
    WHEN today <= due_on THEN '0'
    WHEN today - due_on <= 30 THEN '1-30'
    WHEN today - due_on <= 60 THEN '31-60'
    WHEN today - due_on <= 90 THEN '61-90'
    ELSE '90+'
  END AS bucket, credited_minor
FROM projection.invoice_balances, (SELECT (now() AT TIME ZONE 'UTC')::date AS today) clock
WHERE paid_minor + credited_minor < gross_minor AND kind = 'INVOICE';

-- A session that was credited is on no document until it is billed again.
CREATE VIEW projection.sessions_on_documents AS
SELECT * FROM projection.billed_sessions WHERE documents > 0;

CREATE OR REPLACE VIEW finance.session_costs AS
SELECT s.tenant, s.session_id, s.account_id, s.payment_id, s.legal_entity, s.location_id, s.station_id, s.operator_id,
  s.country, s.started_at, s.ended_at, c.energy_milliwh, c.energy_milliwh * 0.000001 AS energy_kwh, s.tariff_id,
  s.tariff_version, s.currency, s.authority, s.amount_minor, s.excl_minor, s.incl_minor, s.revision, s.held_codes,
  CASE
    WHEN b.number IS NOT NULL THEN 'BILLED'
    WHEN s.ended_at IS NULL THEN 'ACTIVE'
    WHEN s.is_waived THEN 'WAIVED'
    WHEN s.held_codes <> '{}' THEN 'HELD'
    WHEN s.revision IS NULL THEN 'ENDED'
    WHEN s.amount_minor = 0 THEN 'FREE'
    ELSE 'RATED'
  END AS status,
  b.number AS invoice_number, b.revision AS billed_revision, b.amount_minor AS billed_amount_minor,
  b.net_minor AS billed_net_minor,
  coalesce(s.revision > b.revision AND s.amount_minor <> b.amount_minor, false) AS correction_due
FROM projection.session_costs s
LEFT JOIN projection.sessions_on_documents b USING (tenant, session_id)
-- Without a rating the registers say what was delivered, unless they run backwards.
CROSS JOIN LATERAL (SELECT coalesce(s.energy_milliwh, CASE WHEN s.last_register_milliwh >= s.first_register_milliwh
  THEN s.last_register_milliwh - s.first_register_milliwh END) AS energy_milliwh) c;

CREATE OR REPLACE VIEW projection.session_categories AS
SELECT s.tenant, s.session_id, (s.ended_at AT TIME ZONE 'UTC')::date AS day,
  b.number IS NOT NULL AS billed,
  b.number IS NULL AND s.revision IS NOT NULL AND s.amount_minor <> 0 AND s.held_codes = '{}' AND NOT s.is_waived
    AS pending,
  b.number IS NULL AND s.held_codes <> '{}' AND NOT s.is_waived AS held,
  b.number IS NULL AND s.is_waived AS waived,
  b.number IS NULL AND s.revision IS NOT NULL AND s.amount_minor = 0 AND s.held_codes = '{}' AND NOT s.is_waived
    AS free,
  coalesce(b.documents, 0) AS documents
FROM projection.session_costs s
LEFT JOIN projection.sessions_on_documents b USING (tenant, session_id)
WHERE s.ended_at IS NOT NULL;

RESET ROLE;
