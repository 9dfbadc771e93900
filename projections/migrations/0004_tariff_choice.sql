-- Published tariffs are few, and stand among every fact about invoices.
CREATE INDEX billing_events_tariffs_idx ON ledger.billing_events (notification_id)
  WHERE topic = 'tariffbook.TariffPublished';
