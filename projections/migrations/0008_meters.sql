-- Energy per meter, in double entry: what its register moved by is what its sessions took, and what no session took.

SET ROLE evledger_projector;

CREATE TABLE projection.metered_sessions_1 (
  stream_id uuid PRIMARY KEY,
  tenant text NOT NULL,
  session_id text NOT NULL,
  meter_id text NOT NULL,
  started_at timestamptz NOT NULL,
  ended_at timestamptz,
  first_register_milliwh bigint NOT NULL,
  last_register_milliwh bigint,
  start_message text NOT NULL,
  end_message text,
  sampled_at timestamptz,
  sampled_register_milliwh bigint
) WITH (fillfactor = 80);  -- a session is written twice, its end after its start
CREATE INDEX metered_sessions_1_meter_idx ON projection.metered_sessions_1 (tenant, meter_id, started_at);

CREATE TABLE projection.meter_replacements_1 (
  tenant text NOT NULL,
  meter_id text NOT NULL,
  at timestamptz NOT NULL,
  last_register_milliwh bigint NOT NULL,
  new_meter_id text NOT NULL,
  first_register_milliwh bigint NOT NULL,
  PRIMARY KEY (tenant, meter_id, at)
);
CREATE INDEX meter_replacements_1_new_idx ON projection.meter_replacements_1 (tenant, new_meter_id);

CREATE TABLE projection.meter_configurations_1 (
  tenant text NOT NULL,
  meter_id text NOT NULL,
  roll_over_milliwh bigint,
  PRIMARY KEY (tenant, meter_id)
);

INSERT INTO projection.positions (name, generation, log, live) VALUES
  ('metered_sessions', 1, 'session', true),
  ('meter_replacements', 1, 'session', true),
  ('meter_configurations', 1, 'session', true);
SELECT projection.show_generation('metered_sessions', 1), projection.show_generation('meter_replacements', 1),
  projection.show_generation('meter_configurations', 1);

-- A register that falls by more than half of its modulus went through its last digit: the other way would be further.
CREATE FUNCTION projection.rolls_over(moved_milliwh bigint, roll_over_milliwh bigint) RETURNS integer
  IMMUTABLE RETURN CASE WHEN 2 * moved_milliwh < -roll_over_milliwh THEN 1 ELSE 0 END;

-- Sessions by the register that measured them: one that a replacement falls into is cut there, and the rest of it
-- stands on the register that followed.
CREATE VIEW projection.meter_pieces AS
SELECT s.tenant, s.meter_id, s.session_id, true AS is_start, s.started_at AS began_at,
  coalesce(cut.at, s.ended_at) AS ended_at, s.first_register_milliwh,
  coalesce(cut.last_register_milliwh, s.last_register_milliwh) AS last_register_milliwh
FROM projection.metered_sessions s
LEFT JOIN LATERAL (
  SELECT r.at, r.last_register_milliwh FROM projection.meter_replacements r
  WHERE r.tenant = s.tenant AND r.meter_id = s.meter_id AND r.at > s.started_at AND r.at < s.ended_at
  ORDER BY r.at LIMIT 1) cut ON true
UNION ALL
SELECT r.tenant, r.new_meter_id, s.session_id, false, r.at, coalesce(cut.at, s.ended_at), r.first_register_milliwh,
  coalesce(cut.last_register_milliwh, s.last_register_milliwh)
FROM projection.meter_replacements r
JOIN projection.metered_sessions s
  ON s.tenant = r.tenant AND s.meter_id = r.meter_id AND r.at > s.started_at AND r.at < s.ended_at
LEFT JOIN LATERAL (
  SELECT n.at, n.last_register_milliwh FROM projection.meter_replacements n
  WHERE n.tenant = r.tenant AND n.meter_id = r.meter_id AND n.at > r.at AND n.at < s.ended_at
  ORDER BY n.at LIMIT 1) cut ON true;

-- A sample after the end of the last session on a meter: until the next one starts, it alone says what flowed since.
CREATE VIEW projection.meter_samples AS
SELECT s.tenant, s.meter_id, s.session_id, s.sampled_at, s.sampled_register_milliwh
FROM projection.metered_sessions s
WHERE s.sampled_at > s.ended_at
  AND NOT EXISTS (SELECT FROM projection.metered_sessions n WHERE n.tenant = s.tenant AND n.meter_id = s.meter_id
    AND n.started_at >= s.started_at AND n.stream_id <> s.stream_id)
  AND NOT EXISTS (SELECT FROM projection.meter_replacements r WHERE r.tenant = s.tenant AND r.at > s.started_at
    AND (r.meter_id = s.meter_id OR r.new_meter_id = s.meter_id));

-- Links are computed, never stored: a session that comes late stands between its neighbours at once.
CREATE VIEW finance.meter_chain AS
WITH items AS (
  SELECT tenant, meter_id, CASE WHEN ended_at IS NULL THEN 'ACTIVE' ELSE 'SESSION' END AS kind, 2 AS rank, session_id,
    is_start, began_at, ended_at, first_register_milliwh,
    coalesce(last_register_milliwh, first_register_milliwh) AS last_register_milliwh
  FROM projection.meter_pieces
  UNION ALL
  SELECT tenant, meter_id, 'SAMPLED', 3, session_id, false, sampled_at, sampled_at, sampled_register_milliwh,
    sampled_register_milliwh
  FROM projection.meter_samples
  UNION ALL
  SELECT tenant, meter_id, 'REMOVED', 0, NULL, false, at, at, last_register_milliwh, last_register_milliwh
  FROM projection.meter_replacements
  UNION ALL
  SELECT tenant, new_meter_id, 'INSTALLED', 1, NULL, false, at, at, first_register_milliwh, first_register_milliwh
  FROM projection.meter_replacements
), moved AS (
  SELECT i.*, c.roll_over_milliwh, row_number() OVER chain AS place,
    i.last_register_milliwh - i.first_register_milliwh AS within_milliwh,
    CASE WHEN i.kind <> 'INSTALLED' THEN i.first_register_milliwh - lag(i.last_register_milliwh) OVER chain END
      AS before_milliwh,
    i.kind = 'INSTALLED' OR lag(i.kind) OVER chain IS NULL AS begins_register,
    coalesce(lead(i.kind) OVER chain = 'INSTALLED', true) AS ends_register
  FROM items i LEFT JOIN projection.meter_configurations c USING (tenant, meter_id)
  WINDOW chain AS (PARTITION BY i.tenant, i.meter_id
    ORDER BY i.began_at, i.rank, i.ended_at NULLS LAST, i.session_id COLLATE "C", i.first_register_milliwh)
), turned AS (
  SELECT *, projection.rolls_over(within_milliwh, roll_over_milliwh) AS rolled_within,
    projection.rolls_over(before_milliwh, roll_over_milliwh) AS rolled_before
  FROM moved
)
SELECT tenant, meter_id, place, kind, session_id, began_at, ended_at, first_register_milliwh, last_register_milliwh,
  before_milliwh + rolled_before * coalesce(roll_over_milliwh, 0) AS unattributed_milliwh,
  within_milliwh + rolled_within * coalesce(roll_over_milliwh, 0) AS session_milliwh,
  rolled_before + rolled_within AS roll_overs, coalesce(roll_over_milliwh, 0) AS roll_over_milliwh,
  begins_register, ends_register, is_start
FROM turned;

-- The movement comes from the ends of each register and the roll-overs alone, so that it can contradict the sums.
CREATE VIEW finance.meter_energy AS
SELECT tenant, meter_id, count(*) FILTER (WHERE is_start) AS sessions,
  coalesce(sum(last_register_milliwh) FILTER (WHERE ends_register), 0)
    - coalesce(sum(first_register_milliwh) FILTER (WHERE begins_register), 0)
    + sum(roll_overs * roll_over_milliwh) AS movement_milliwh,
  sum(session_milliwh) AS sessions_milliwh,
  coalesce(sum(unattributed_milliwh), 0) AS unattributed_milliwh,
  count(*) FILTER (WHERE unattributed_milliwh > 0) AS jumps,
  coalesce(sum(unattributed_milliwh) FILTER (WHERE unattributed_milliwh > 0), 0) AS jumps_milliwh,
  count(*) FILTER (WHERE unattributed_milliwh < 0) AS falls,
  coalesce(sum(unattributed_milliwh) FILTER (WHERE unattributed_milliwh < 0), 0) AS falls_milliwh,
  count(*) FILTER (WHERE kind = 'INSTALLED') AS installed, sum(roll_overs) AS roll_overs,
  min(began_at) AS began_at, max(coalesce(ended_at, began_at)) AS ended_at
FROM finance.meter_chain GROUP BY tenant, meter_id;

RESET ROLE;
