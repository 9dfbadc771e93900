"""A repeat has the same content, wherever it was read; a change of any field is another content."""

from typing import Any

import pytest
from msgspec.structs import replace

from ledger.intake.message import Message, content_sha256
from tests.unit.messages.samples import READER, binary_record, event, fact_of, record_of

CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("started", {"location_id": "LOC2"}),
    ("started", {"register_kwh": "1234.501"}),
    ("started", {"token_uid": "1"}),
    ("started", {"tariff_id": None}),
    ("started", {"seq_no": 1}),
    ("started", {"cdr_location": {"city": "A"}}),
    ("metered", {"register_kwh": "1237.251"}),
    ("metered", {"power_kw": "11.000001"}),
    ("metered", {"power_kw": None}),
    ("metered", {"current_a": "16.1"}),
    ("metered", {"soc_percent": "42"}),
    ("metered", {"context": "Sample.Periodic"}),
    ("metered", {"seq_no": 8}),
    ("metered", {"signed": None}),
    ("state-changed", {"charging_state": "Idle"}),
    ("ended", {"reason": "Local"}),
    ("ended", {"register_kwh": "1256.0001"}),
    ("opened", {"name": "Fleet SE"}),
    ("opened", {"memberships": []}),
    ("published", {"priority": 1}),
]


@pytest.mark.parametrize("kind", ["started", "metered", "state-changed", "ended", "opened", "changed"])
def test_a_repeat_elsewhere_has_the_same_content(kind: str) -> None:
    content = event(kind)
    elsewhere = READER.read(replace(binary_record(content), topic="file:1", partition=0, offset=7))
    assert isinstance(elsewhere, Message)
    assert content_sha256(elsewhere.fact) == content_sha256(fact_of(content))


@pytest.mark.parametrize(("kind", "change"), CHANGES)
def test_a_changed_field_is_another_content(kind: str, change: dict[str, Any]) -> None:
    assert content_sha256(fact_of(event(kind, data=change))) != content_sha256(fact_of(event(kind)))


def test_another_time_is_another_content() -> None:
    assert content_sha256(fact_of(event("metered"))) != content_sha256(
        fact_of(event("metered", time="2026-11-02T08:15:00.000001Z"))
    )


def test_the_order_of_fields_is_not_content() -> None:
    content = event("metered")
    backwards = dict(reversed(content.items())) | {"data": dict(reversed(content["data"].items()))}
    assert READER.read(record_of(backwards)).fact == fact_of(content)  # type: ignore[union-attr]
