"""What the messages about accounts become."""

from typing import Any

import pytest

from consumers.messages.account import AccountDefaults
from consumers.messages.reader import MessageReader
from ledger.account.events import AccountChanged, AccountOpened, Membership
from ledger.intake.message import Message
from tests.unit.messages.samples import LEFT_OUT, event, fact_of, reason, record_of

OPTIONAL = ["time_zone", "closing_day", "language", "payment_terms_days", "legal_entity"]


def test_opened_and_changed_carry_the_same_state() -> None:
    opened, changed = fact_of(event("opened")), fact_of(event("changed"))
    assert isinstance(opened, AccountOpened)
    assert isinstance(changed, AccountChanged)
    assert [getattr(opened, field) for field in opened.__struct_fields__] == [
        getattr(changed, field) for field in changed.__struct_fields__
    ]


@pytest.mark.parametrize("absent", [LEFT_OUT, None])
def test_settings_fill_in_what_is_left_out(absent: Any) -> None:
    settings = AccountDefaults("XYZ", "Europe/Zurich", closing_day=15, language="fr", payment_terms_days=30)
    record = record_of(event("opened", data=dict.fromkeys(OPTIONAL, absent)), b"ACC-1")
    arrival = MessageReader(settings).read(record)
    assert isinstance(arrival, Message)
    filled = [getattr(arrival.fact, field) for field in OPTIONAL]
    assert filled == ["Europe/Zurich", 15, "fr", 30, "XYZ"]


def test_payable_at_once_is_not_left_out() -> None:
    assert fact_of(event("opened", data={"payment_terms_days": 0})).payment_terms_days == 0


@pytest.mark.parametrize("field", ["name", "kind", "country", "currency", "billing"])
def test_an_account_needs_its_name_and_terms(field: str) -> None:
    assert reason(event("opened", data={field: LEFT_OUT})) == f"$.data.{field}: is missing"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a\nb"),
        ("kind", "ROBOT"),
        ("billing", "WEEKLY"),
        ("currency", "eur"),
        ("currency", "XXX"),
        ("country", "Germany"),
        ("time_zone", "Europe/Nowhere"),
        ("closing_day", 0),
        ("closing_day", 32),
        ("closing_day", "1"),
        ("language", "German"),
        ("payment_terms_days", -1),
        ("payment_terms_days", 14.0),
        ("tokens", "012345678"),
        ("tokens", ["a b"]),
        ("vat_ids", ["DE136695976", "DE136695977"]),
        ("parent_account_id", "ACC-1"),
        ("address", {"line1": "x", "postcode": "1", "city": "y", "country": "NLD"}),
        ("memberships", [{"group": "GOLD"}]),
        ("memberships", [{"group": "GOLD", "from": "2026-02-30"}]),
        ("memberships", [{"group": "GOLD", "from": "1999-12-31"}]),
        ("memberships", [{"group": "GOLD", "from": "2026-01-01", "until": "2026-01-01"}]),
    ],
)
def test_a_field_of_another_shape_is_named(field: str, value: Any) -> None:
    assert reason(event("opened", data={field: value})).startswith(f"$.data.{field}")


def test_lists_are_kept_in_their_order() -> None:
    memberships = [{"group": "B", "from": "2026-01-01", "until": "2026-02-01"}, {"group": "A", "from": "2026-01-01"}]
    fact = fact_of(event("opened", data={"memberships": memberships, "tokens": ["2", "1"], "vat_ids": ["NL1", "DE1"]}))
    assert fact.memberships == (
        Membership(group="B", from_day="2026-01-01", until_day="2026-02-01"),
        Membership(group="A", from_day="2026-01-01"),
    )
    assert fact.personal.tokens == ("2", "1")
    assert fact.vat_ids == ("NL1", "DE1")


def test_the_person_is_the_account() -> None:
    fact = fact_of(event("opened"))
    assert fact.account_id == fact.personal.person_id == "ACC-1"
