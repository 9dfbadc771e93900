"""A second rater, written from the rules alone: it shares no code and no design with `ledger.tariff`.

It walks a session from boundary to boundary, judges every stretch afresh by reading all elements of the
tariff's JSON, and adds exact fractions. Slow on purpose: `docs/second-rater.md`.
"""
