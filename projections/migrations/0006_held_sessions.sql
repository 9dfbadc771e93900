-- Held sessions can be released and waived: a column for the waived ones, in whatever generation is there.

SET ROLE evledger_projector;

DO $$
DECLARE
  built record;
BEGIN
  FOR built IN SELECT generation, live FROM projection.positions WHERE name = 'session_costs' LOOP
    EXECUTE format('ALTER TABLE projection.%I ADD COLUMN is_waived boolean NOT NULL DEFAULT false',
      projection.table_name('session_costs', built.generation));
    IF built.live THEN
      PERFORM projection.show_generation('session_costs', built.generation);
    END IF;
  END LOOP;
END $$;

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
LEFT JOIN projection.billed_sessions b USING (tenant, session_id)
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
LEFT JOIN projection.billed_sessions b USING (tenant, session_id)
WHERE s.ended_at IS NOT NULL;

RESET ROLE;
