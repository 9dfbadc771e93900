-- What each session was billed under the cap of its day (in the account's zone), after the credit, on both sides of tax.
ALTER TABLE ledger.charges
  ADD COLUMN cap_tariff_id text,
  ADD COLUMN cap_day date,
  ADD COLUMN capped_excl_minor bigint,
  ADD COLUMN capped_incl_minor bigint;
CREATE INDEX charges_day_cap_idx ON ledger.charges (tenant, account_id, cap_tariff_id, cap_day)
  WHERE cap_day IS NOT NULL;
