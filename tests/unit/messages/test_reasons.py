"""Reasons stand in lists that many read: they name the place, and hold nothing about a person."""

import pytest

from tests.unit.messages.samples import event, reason

PERSON = "anna.person@example.org"


@pytest.mark.parametrize(
    "content",
    [
        event("started", data={"token_uid": f"{PERSON} x"}),
        event("started", data={"cdr_token": {"uid": f"{PERSON}\n"}}),
        event("started", data={"cdr_token": PERSON}),
        event("started", data={"account_id": f"{PERSON} x"}),
        event("opened", data={"email": f"{PERSON}\n"}),
        event("opened", data={"name": f"{PERSON}\n"}),
        event("opened", data={"address": PERSON}),
        event("opened", data={"tokens": [f"{PERSON} x"]}),
        event("metered", id=f"{PERSON} x"),
        event("metered", subject=f"{PERSON} x"),
    ],
)
def test_a_reason_never_repeats_what_may_name_a_person(content: dict[str, object]) -> None:
    assert "anna" not in reason(content)


def test_a_reason_shows_a_bad_quantity_cut_and_escaped() -> None:
    assert reason(event("metered", data={"register_kwh": "１２"})).endswith("no sign, not '\\uff11\\uff12'")
    assert len(reason(event("metered", data={"register_kwh": "9" * 10_000}))) < 250


def test_a_reason_counts_the_faults_that_it_does_not_name() -> None:
    content = event("metered", data={"register_kwh": 1, "power_kw": 2, "seq_no": -1})
    assert reason(content) == "$.data.register_kwh: must be a JSON string, not 1 (and 2 more)"


def test_a_list_of_many_faults_stops_at_the_first() -> None:
    assert reason(event("opened", data={"tokens": [1] * 50_000})) == "$.data.tokens[0]: must be a JSON string"


def test_a_key_that_is_shown_is_cut_and_escaped() -> None:
    assert reason(event("started", data={"cdr_token": {"k\n" * 30: 1.5}})).count("k") <= 25
