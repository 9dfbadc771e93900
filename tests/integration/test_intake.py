"""Messages into the real store: each becomes a fact, a counted repeat, or a parked message."""

import pytest

from ledger.application import Ledger
from ledger.intake.message import Record
from ledger.session.events import SessionHeld, SessionStarted
from tests.building import (
    LONG_AGO,
    Event,
    Feed,
    Names,
    account,
    facts_of,
    parked,
    ratings,
    short_topics,
    start,
    state,
    tariff,
    topics_of,
)


def test_a_session_becomes_a_stream_that_ends_with_its_cost(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(names.started(), names.read(15, "1002"), state(names.session, 30, "Charging"), names.ended())
    assert topics_of(ledger, names.session) == [
        "SessionStarted",
        "MeterRecorded",
        "StateChanged",
        "SessionEnded",
        "SessionRated",
    ]
    (rated,) = ratings(ledger, names.session)
    assert (rated.energy_milliwh, rated.amount_minor, rated.authority, rated.cost.incl_minor) == (
        10_000_000, 300, "NET", 357,
    )  # fmt: skip
    assert feed.outcomes() == (2 + 4, 0, 0)


def test_a_start_pins_tariff_terms_and_seller(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(names.started())
    (started,) = facts_of(ledger, "session", names.session)
    (published,) = facts_of(ledger, "tariff", names.tariff)
    assert isinstance(started, SessionStarted)
    assert started.tariff_pin is not None
    assert (started.tariff_pin.tariff_version, started.tariff_pin.tariff_hash) == (1, published.tariff_hash)
    assert started.terms is not None
    assert (started.terms.account_version, started.terms.billing, started.terms.kind) == (1, "PER_SESSION", "BUSINESS")
    assert started.seller == "ABC-NL"


def test_a_version_published_later_never_prices_an_older_session(feed: Feed, names: Names, ledger: Ledger) -> None:
    dearer = {"type": "ENERGY", "price": 9, "vat": 19, "step_size": 1}
    feed.deliver(names.started())
    feed.deliver(tariff(names.tariff, dearer, minutes=-60), names.ended())
    (rated,) = ratings(ledger, names.session)
    assert (rated.tariff_pin.tariff_version, rated.amount_minor) == (1, 300)


def test_an_account_opened_twice_is_changed(bare_feed: Feed, names: Names, ledger: Ledger) -> None:
    first, second = account(names.account), account(names.account, minutes=-500, name="Other")
    bare_feed.deliver(first, second)
    assert short_topics(facts_of(ledger, "account", names.account)) == ["AccountOpened", "AccountChanged"]


def test_a_change_of_an_unknown_account_opens_it(bare_feed: Feed, names: Names, ledger: Ledger) -> None:
    bare_feed.deliver(account(names.account, verb="changed"))
    assert short_topics(facts_of(ledger, "account", names.account)) == ["AccountOpened"]


def test_tenants_do_not_meet(feed: Feed, names: Names, ledger: Ledger) -> None:
    other = [event.under(tenant="other") for event in (tariff(names.tariff), account(names.account), names.started())]
    feed.deliver(names.started(), *other)
    assert topics_of(ledger, names.session) == ["SessionStarted"]
    assert short_topics(facts_of(ledger, "session", names.session, "other")) == ["SessionStarted"]


# --- repeats ---------------------------------------------------------------------------------------------------------


def whole(names: Names) -> list[Event]:
    return [names.started(), names.read(15, "1002"), state(names.session, 30, "Charging"), names.ended()]


def test_a_repeat_in_the_same_batch_changes_nothing(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(*[event for event in whole(names) for _ in range(2)])
    assert feed.outcomes() == (2 + 4, 4, 0)
    assert len(topics_of(ledger, names.session)) == 5


def test_a_repeat_in_a_later_batch_changes_nothing(feed: Feed, names: Names, ledger: Ledger) -> None:
    for event in whole(names)[:3]:
        feed.deliver(event)
    feed.deliver(*whole(names)[:3])
    assert feed.outcomes() == (2 + 3, 3, 0)
    assert len(topics_of(ledger, names.session)) == 3


def test_a_repeat_after_a_restart_changes_nothing(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(*whole(names)[:3])
    feed.restart()
    feed.deliver(*whole(names)[:3], tariff(names.tariff), account(names.account))
    assert feed.outcomes() == (2 + 3, 5, 0)
    assert len(topics_of(ledger, names.session)) == 3


def test_a_repeat_long_after_the_end_changes_nothing(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(*whole(names))
    feed.deliver(*whole(names))
    feed.restart()
    feed.deliver(*whole(names))
    assert feed.outcomes() == (2 + 4, 8, 0)
    assert len(topics_of(ledger, names.session)) == 5


def test_a_repeat_of_an_opening_is_none_of_a_change(feed: Feed, names: Names, ledger: Ledger) -> None:
    changed = account(names.account, minutes=-100, name="Other")
    feed.deliver(changed, changed, account(names.account))
    assert feed.outcomes() == (2 + 1, 2, 0)


@pytest.mark.parametrize("is_later", [False, True])
def test_a_repeat_of_a_parked_message_is_a_repeat(is_later: bool, feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(names.read(15, "1002"))
    if is_later:
        feed.restart()
    feed.deliver(names.read(15, "1002"), names.read(15, "1002"))
    assert feed.outcomes() == (2, 2, 1)
    feed.deliver(names.started(), names.read(15, "1002"))
    assert feed.outcomes() == (2 + 2, 3, 0)


def test_a_repeat_of_a_refused_message_is_a_repeat(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(*whole(names))
    conflict = names.read(15, "1002").saying(register_kwh="1003")
    feed.deliver(conflict)
    feed.deliver(conflict)
    feed.restart()
    feed.deliver(conflict)
    assert feed.outcomes() == (2 + 4, 2, 1)


def test_the_same_data_under_another_name_count_as_a_repeat(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(*whole(names))
    feed.deliver(*[event.under(id=f"{event.id}-again") for event in (names.started(), names.ended())])
    assert feed.outcomes() == (2 + 4, 2, 0)


def test_a_repeat_is_known_however_its_json_is_written(feed: Feed, names: Names, ledger: Ledger) -> None:
    """Same fields, other order and spaces, also inside the tariff object and OCPI's snapshots."""
    location = {"id": "LOC1", "city": "Gent"}
    started = names.started(cdr_location=location)
    feed.deliver(started)
    turned = started.saying(cdr_location=dict(reversed(location.items())))
    published = tariff(names.tariff)
    reordered = published._replace(data=dict(reversed(published.data.items())))
    feed.deliver(turned, reordered)
    assert feed.outcomes() == (2 + 1, 2, 0)


def test_a_price_written_with_other_zeros_is_the_same_price(feed: Feed, names: Names) -> None:
    text = tariff(names.tariff).to_bytes()
    assert b"0.30" in text
    key = names.tariff.encode()
    feed.deliver(Record("", 0, 0, key, text.replace(b"0.30", b"0.3")))
    assert feed.outcomes() == (2, 1, 0)


# --- conflicts -------------------------------------------------------------------------------------------------------


def reasons(ledger: Ledger, names: Names) -> list[tuple[str, str]]:
    return [(row.kind, row.reason) for row in parked(ledger, names.topic)]


CONFLICT = ("REFUSED", "another message with the same source and id has other content")


def test_the_same_name_with_other_content_is_parked(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(*whole(names))
    feed.deliver(names.read(15, "1002").saying(register_kwh="1003"), account(names.account, name="Other"))
    feed.deliver(tariff(names.tariff, currency="CHF"))
    assert reasons(ledger, names) == [CONFLICT] * 3
    assert feed.outcomes() == (2 + 4, 0, 3)


def test_a_name_that_waits_is_taken_too(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(names.read(15, "1002"), names.read(15, "1002").saying(register_kwh="1003"))
    assert [kind for kind, _ in reasons(ledger, names)] == ["WAITING", "REFUSED"]
    feed.deliver(names.started())
    assert topics_of(ledger, names.session) == ["SessionStarted", "MeterRecorded"]


def test_an_end_under_the_name_of_a_reading_is_a_conflict_not_a_repeat(
    feed: Feed, names: Names, ledger: Ledger
) -> None:
    """They may have the same fields: taken for a repeat, the end would be lost and the session never billed."""
    last = names.read(60, "1010").under(id="last")
    feed.deliver(names.started(), last, names.ended().under(id="last"))
    assert reasons(ledger, names) == [CONFLICT]


def test_a_second_start_or_end_with_other_data_is_refused(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(*whole(names))
    feed.deliver(names.started(kwh="1001").under(id="a"), names.ended(kwh="1011").under(id="b"))
    assert reasons(ledger, names) == [
        ("REFUSED", "the session has another start already (message started@0)"),
        ("REFUSED", "the session has another end already (message ended@60)"),
    ]
    assert [rated.amount_minor for rated in ratings(ledger, names.session)] == [300]


def test_two_registers_at_one_instant_and_context_are_refused(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(names.started(), names.read(15, "1002", context="Sample.Clock"))
    feed.deliver(names.read(15, "1003", context="Sample.Clock").under(id="a"))
    feed.deliver(names.read(15, "1003", context="Trigger").under(id="b"))
    assert reasons(ledger, names) == [
        ("REFUSED", "another reading of the same instant and context has another register")
    ]
    assert feed.outcomes() == (2 + 3, 0, 1)


# --- what cannot be read ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [b"\xff\xfe", b"{", b"[" * 100_000, b"null", b"", b'{"a": NaN}'])
def test_what_cannot_be_read_is_parked_byte_for_byte(value: bytes, feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(value, names.started())
    (row,) = parked(ledger, names.topic)
    assert (row.kind, row.value) == ("UNREADABLE", value)
    assert topics_of(ledger, names.session) == ["SessionStarted"]
    assert feed.outcomes() == (2 + 1, 0, 1)


def test_a_message_of_300_kib_is_parked_whole(feed: Feed, names: Names, ledger: Ledger) -> None:
    value = names.started().to_bytes() + b" " * 300 * 1024
    feed.deliver(Record("", 0, 0, names.session.encode(), value))
    (row,) = parked(ledger, names.topic)
    assert (row.kind, row.value) == ("UNREADABLE", value)
    assert feed.outcomes() == (2, 0, 1)


def test_a_record_without_a_value_is_parked(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(Record("", 0, 0, names.session.encode(), None))
    (row,) = parked(ledger, names.topic)
    assert (row.kind, row.value) == ("UNREADABLE", None)


def test_the_same_bytes_twice_that_cannot_be_read_are_parked_twice(feed: Feed, names: Names, ledger: Ledger) -> None:
    """They have no name to be known by."""
    feed.deliver(b"{", b"{")
    feed.deliver(b"{")
    assert feed.outcomes() == (2, 0, 3)


def test_a_message_under_another_key_is_refused_once(feed: Feed, names: Names, ledger: Ledger) -> None:
    record = Record("", 0, 0, b"other", names.started().to_bytes())
    feed.deliver(record, record)
    feed.deliver(record)
    assert reasons(ledger, names) == [("REFUSED", "the record's key is not the subject")]
    assert feed.outcomes() == (2, 2, 1)


def test_key_and_headers_are_kept(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(Record("", 0, 0, b"\xffkey", b"\x00", (("ce_id", b"\xff"), ("n", b""))))
    row = ledger.connection.execute(
        "SELECT record_key, headers FROM ledger.parked_messages WHERE topic = %s", [names.topic]
    ).fetchone()
    assert row == (b"\xffkey", b'[["ce_id","/w=="],["n",""]]')


# --- holds -----------------------------------------------------------------------------------------------------------


def test_a_start_without_a_tariff_is_a_fact_and_held(feed: Feed, names: Names, ledger: Ledger) -> None:
    before_any_tariff = 2 * LONG_AGO
    feed.deliver(start(names.session, before_any_tariff, account_id=names.account))
    assert topics_of(ledger, names.session) == ["SessionStarted", "SessionHeld"]
    feed.deliver(names.ended())
    facts = facts_of(ledger, "session", names.session)
    assert [reason.code for fact in facts if isinstance(fact, SessionHeld) for reason in fact.reasons] == ["NO_TARIFF"]
    assert ratings(ledger, names.session) == []
    assert feed.pipeline.totals.held == 1


def test_a_hold_comes_before_the_cost_it_keeps_back(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(names.started(account_id=None, payment_id="PAY-1"), names.ended())
    assert topics_of(ledger, names.session)[-3:] == ["SessionEnded", "SessionHeld", "SessionRated"]
    assert ratings(ledger, names.session)[0].holds == ("NOT_YET_PAYABLE",)


# --- after rating ----------------------------------------------------------------------------------------------------


def test_a_late_reading_that_changes_nothing_leaves_the_cost_alone(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(*whole(names))
    feed.deliver(names.read(20, "1003"), names.read(25, "1004"))
    assert [rated.revision for rated in ratings(ledger, names.session)] == [1]
    assert topics_of(ledger, names.session)[-2:] == ["MeterRecorded", "MeterRecorded"]


def test_a_late_fact_that_changes_the_cost_rates_anew(bare_feed: Feed, names: Names, ledger: Ledger) -> None:
    parking = {"type": "PARKING_TIME", "price": 6, "vat": 19, "step_size": 1}
    bare_feed.deliver(tariff(names.tariff, parking), account(names.account))
    bare_feed.deliver(names.started(), names.read(30, "1010"), names.ended())
    bare_feed.deliver(state(names.session, 30, "SuspendedEV"))
    assert [(rated.revision, rated.amount_minor) for rated in ratings(ledger, names.session)] == [(1, 0), (2, 300)]
    assert topics_of(ledger, names.session)[-2:] == ["StateChanged", "SessionRated"]


def test_a_reading_outside_of_the_session_changes_no_cost(feed: Feed, names: Names, ledger: Ledger) -> None:
    """A meter that creeps a little after the end is noted, once."""
    feed.deliver(*whole(names))
    feed.deliver(names.read(61, "1010.050"), names.read(-1, "900"))
    assert [rated.revision for rated in ratings(ledger, names.session)] == [1]
    assert topics_of(ledger, names.session)[-3:] == ["MeterRecorded", "SessionNoted", "MeterRecorded"]


def test_a_late_fall_of_the_register_holds_and_does_not_rate(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(*whole(names))
    feed.deliver(names.read(20, "1001"))
    assert topics_of(ledger, names.session)[-2:] == ["MeterRecorded", "SessionHeld"]
