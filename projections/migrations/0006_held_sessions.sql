-- Held sessions can be released and waived: a column for the waived ones, in whatever generation is there. The views that
-- show it are those of 0010.

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

RESET ROLE;
