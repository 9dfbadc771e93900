-- What finance and auditors read. Column names and order are a contract: new columns go to the end.

SET ROLE evledger_projector;

CREATE VIEW finance.session_costs AS
SELECT s.tenant, s.session_id, s.account_id, s.payment_id, s.legal_entity, s.location_id, s.station_id, s.operator_id,
  s.country, s.started_at, s.ended_at, c.energy_milliwh, c.energy_milliwh * 0.000001 AS energy_kwh, s.tariff_id,
  s.tariff_version, s.currency, s.authority, s.amount_minor, s.excl_minor, s.incl_minor, s.revision, s.held_codes,
  CASE
    WHEN b.number IS NOT NULL THEN 'BILLED'
    WHEN s.ended_at IS NULL THEN 'ACTIVE'
    WHEN s.held_codes <> '{}' THEN 'HELD'
    WHEN s.revision IS NULL THEN 'ENDED'
    WHEN s.amount_minor = 0 THEN 'FREE'
    ELSE 'RATED'
  END AS status,
  b.number AS invoice_number, b.revision AS billed_revision, b.amount_minor AS billed_amount_minor,
  b.net_minor AS billed_net_minor,
  coalesce(s.revision > b.revision AND s.amount_minor <> b.amount_minor, false) AS correction_due
FROM projection.session_costs s
LEFT JOIN projection.billed_sessions b USING (tenant, session_id)
-- Without a rating the registers say what was delivered, unless they run backwards.
CROSS JOIN LATERAL (SELECT coalesce(s.energy_milliwh, CASE WHEN s.last_register_milliwh >= s.first_register_milliwh
  THEN s.last_register_milliwh - s.first_register_milliwh END) AS energy_milliwh) c;

CREATE VIEW finance.invoice_register AS
SELECT tenant, series, number_in_series, number, kind, corrects, legal_entity, account_id, period, issued_on, due_on,
  net_minor, vat_minor, gross_minor, currency, paid_minor,
  CASE WHEN paid_minor >= gross_minor THEN 'PAID' WHEN paid_minor > 0 THEN 'PARTLY_PAID' ELSE 'OPEN' END AS status,
  document_sha256, invoice_id, issued_at, recorded_at
FROM projection.invoice_register;

CREATE VIEW finance.invoice_lines AS
SELECT tenant, number, line, session_id, description, dimension, quantity, unit, unit_price, net_minor, gross_minor,
  vat_percent, category, currency, tariff_id, tariff_version
FROM projection.invoice_lines;

CREATE VIEW finance.vat_by_country_rate AS
SELECT tenant, date_trunc('month', issued_on::timestamp)::date AS month, country, category, vat_percent, currency,
  sum(net_minor)::bigint AS net_minor, sum(vat_minor)::bigint AS vat_minor
FROM projection.invoice_vat
GROUP BY tenant, date_trunc('month', issued_on::timestamp), country, category, vat_percent, currency;

CREATE VIEW finance.gl_journal AS
SELECT tenant, entry_id, posting, occurred_at, recorded_at, account, debit_minor, credit_minor, currency, account_id,
  source, document, legal_entity
FROM projection.gl_journal;

CREATE VIEW finance.trial_balance AS
SELECT tenant, account, sum(debit_minor)::bigint AS debit_minor, sum(credit_minor)::bigint AS credit_minor,
  (sum(debit_minor) - sum(credit_minor))::bigint AS balance_minor, currency
FROM projection.gl_journal GROUP BY tenant, account, currency;

CREATE VIEW finance.customer_balances AS
SELECT b.tenant, b.account_id, b.currency, b.balance_minor, b.prepaid_minor, p.as_of
FROM projection.customer_balances b
JOIN projection.positions p ON p.name = 'customer_balances' AND p.live;

CREATE VIEW finance.ar_open_items AS
SELECT tenant, account_id, number, issued_on, due_on, currency, gross_minor, paid_minor,
  gross_minor - paid_minor AS open_minor, greatest(0, today - due_on) AS days_overdue,
  CASE
    WHEN today <= due_on THEN '0'
    WHEN today - due_on <= 30 THEN '1-30'
    WHEN today - due_on <= 60 THEN '31-60'
    WHEN today - due_on <= 90 THEN '61-90'
    ELSE '90+'
  END AS bucket
FROM projection.invoice_register, (SELECT (now() AT TIME ZONE 'UTC')::date AS today) clock
WHERE paid_minor < gross_minor AND kind = 'INVOICE';

CREATE VIEW finance.ar_ageing AS
SELECT tenant, account_id, bucket, currency, count(*) AS invoices, sum(open_minor)::bigint AS open_minor
FROM finance.ar_open_items GROUP BY tenant, account_id, bucket, currency;

CREATE VIEW finance.revenue_by_day AS
SELECT tenant, day, currency, sum(net_minor)::bigint AS net_minor, sum(sessions)::bigint AS sessions,
  sum(energy_milliwh) * 0.000001 AS energy_kwh
FROM projection.revenue GROUP BY tenant, day, currency;

CREATE VIEW finance.revenue_by_station AS
SELECT tenant, day, nullif(station_id, '') AS station_id, currency, sum(net_minor)::bigint AS net_minor,
  sum(sessions)::bigint AS sessions, sum(energy_milliwh) * 0.000001 AS energy_kwh
FROM projection.revenue GROUP BY tenant, day, station_id, currency;

CREATE VIEW finance.revenue_by_tariff AS
SELECT tenant, day, nullif(tariff_id, '') AS tariff_id, currency, sum(net_minor)::bigint AS net_minor,
  sum(sessions)::bigint AS sessions, sum(energy_milliwh) * 0.000001 AS energy_kwh
FROM projection.revenue GROUP BY tenant, day, tariff_id, currency;

CREATE VIEW finance.revenue_by_operator AS
SELECT tenant, day, nullif(operator_id, '') AS operator_id, currency, sum(net_minor)::bigint AS net_minor,
  sum(sessions)::bigint AS sessions, sum(energy_milliwh) * 0.000001 AS energy_kwh
FROM projection.revenue GROUP BY tenant, day, operator_id, currency;

-- Earned is what was rated and may be billed, by the day (UTC) the charging ended; what a document already says wins
-- over a later revision.
CREATE VIEW finance.earned_by_day AS
SELECT tenant, (ended_at AT TIME ZONE 'UTC')::date AS day, currency,
  sum(coalesce(billed_net_minor, excl_minor))::bigint AS net_minor, count(*) AS sessions,
  sum(energy_milliwh) * 0.000001 AS energy_kwh
FROM finance.session_costs WHERE status IN ('BILLED', 'RATED', 'FREE') AND ended_at IS NOT NULL AND currency IS NOT NULL
GROUP BY tenant, (ended_at AT TIME ZONE 'UTC')::date, currency;

CREATE VIEW finance.unbilled AS
SELECT s.tenant, s.account_id, s.currency, sum(s.excl_minor)::bigint AS net_minor, count(*) AS sessions, p.as_of
FROM finance.session_costs s
CROSS JOIN (SELECT min(as_of) AS as_of FROM projection.positions WHERE name IN ('session_costs', 'billed_sessions') AND live) p
WHERE s.status = 'RATED' GROUP BY s.tenant, s.account_id, s.currency, p.as_of;

-- Each category has a predicate of its own, so that a session which fits none, or two, shows.
CREATE VIEW projection.session_categories AS
SELECT s.tenant, s.session_id, (s.ended_at AT TIME ZONE 'UTC')::date AS day,
  b.number IS NOT NULL AS billed,
  b.number IS NULL AND s.revision IS NOT NULL AND s.amount_minor <> 0 AND s.held_codes = '{}' AS pending,
  b.number IS NULL AND s.held_codes <> '{}' AS held,
  false AS waived,
  b.number IS NULL AND s.revision IS NOT NULL AND s.amount_minor = 0 AND s.held_codes = '{}' AS free,
  coalesce(b.documents, 0) AS documents
FROM projection.session_costs s
LEFT JOIN projection.billed_sessions b USING (tenant, session_id)
WHERE s.ended_at IS NOT NULL;

CREATE VIEW finance.completeness_unexplained AS
SELECT tenant, session_id, day, billed, pending, held, waived, free, documents
FROM projection.session_categories
WHERE billed::int + pending::int + held::int + waived::int + free::int <> 1 OR documents > 1;

CREATE VIEW finance.completeness AS
SELECT tenant, day, count(*) AS ended, count(*) FILTER (WHERE billed) AS billed,
  count(*) FILTER (WHERE pending) AS pending, count(*) FILTER (WHERE held) AS held,
  count(*) FILTER (WHERE waived) AS waived, count(*) FILTER (WHERE free) AS free,
  count(*) FILTER (WHERE billed::int + pending::int + held::int + waived::int + free::int <> 1 OR documents > 1)
    AS unexplained
FROM projection.session_categories GROUP BY tenant, day;

RESET ROLE;
