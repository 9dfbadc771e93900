-- Published tariffs are few, and stand among every fact about invoices.
CREATE INDEX billing_events_tariffs_idx ON ledger.billing_events (notification_id)
  WHERE topic = 'tariffbook.TariffPublished';

-- Sessions that are held until the price of a slot is published: where to look when it is. A row goes with its hold;
-- all of them can be made again from the sessions log.
CREATE TABLE ledger.awaited_prices (
  tenant text NOT NULL,
  session_id text NOT NULL,
  series text NOT NULL,
  awaited_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, session_id)
);
CREATE INDEX awaited_prices_series_idx ON ledger.awaited_prices (tenant, series, awaited_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON ledger.awaited_prices TO evledger_app;
GRANT SELECT ON ledger.awaited_prices TO evledger_projector, evledger_auditor;
