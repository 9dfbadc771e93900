"""Meters of the simulated network that sign, seen with the ledger's own eyes."""

import json
from collections import defaultdict
from typing import Any

from ledger.meter.ocmf.transaction import check_transaction, page_ranges
from ledger.meter.ocmf.verify import Keys, verify_text
from tests.unit.simulator.contract import check
from tests.unit.simulator.sessions import by_session, clean


def test_german_sessions_are_signed_with_the_registered_key_page_by_page() -> None:
    messages = clean(60, 11)
    keys = {
        event["subject"]: event["data"]["public_key"]
        for event in map(check, messages)
        if event["type"] == "ev.meter.key-registered.v1"
    }
    pages: defaultdict[str, dict[str, int]] = defaultdict(dict)
    signed = 0
    for first, *_, last in by_session(messages, check).values():
        record: dict[str, Any] | None = last["data"].get("signed")
        assert (record is not None) == (first["data"]["country"] == "DE")
        if record is not None:
            meter_id = first["data"]["meter_id"]
            verdict, read = verify_text(record["data"], Keys((keys[meter_id],)))
            assert verdict.outcome == "valid"
            assert read is not None
            assert check_transaction([read], pages[meter_id]) == []
            pages[meter_id] = {context: last for context, (_, last) in page_ranges([read]).items()}
            said = json.loads(read.payload)["RD"]
            assert [entry["TX"] for entry in said] == ["B", "E"]
            signed += 1
    assert signed > 5
