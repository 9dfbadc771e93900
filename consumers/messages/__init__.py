"""Inbound contracts: a record's bytes become a proposed fact, or a reason why not."""
