"""Messages about meters: facts of the sessions log, one stream per meter."""

from typing import Any

import pytest

from ledger.application import Ledger
from ledger.meter.events import KeyRegistered
from ledger.store.streams import load_streams
from ledger.values.ids import stream_id
from tests.building import TENANT, Event, Feed, Names, minute, parked, short_topics
from tests.meters import ANOTHER_SECRET, meter

KEY = meter("secp256r1").key
OTHER_KEY = meter("secp256r1", ANOTHER_SECRET).key
JANUARY = "2026-01-01T00:00:00Z"


@pytest.fixture
def meter_id(names: Names) -> str:
    return f"METER-OF-{names.session}"


def said(kind: str, meter_id: str, message_id: str, **data: Any) -> Event:
    return Event(f"ev.meter.{kind}.v1", meter_id, minute(0), message_id, data)


def key(meter_id: str, message_id: str = "1", public_key: str = KEY) -> Event:
    return said("key-registered", meter_id, message_id, public_key=public_key, encoding="OCMF", valid_from=JANUARY)


def replaced(meter_id: str, message_id: str = "2", **data: Any) -> Event:
    whole = {"last_register_kwh": "99871.250", "new_meter_id": "M-2", "first_register_kwh": "0", "at": JANUARY}
    return said("replaced", meter_id, message_id, **(whole | data))


def facts_of_meter(ledger: Ledger, meter_id: str) -> list[Any]:
    stream = stream_id(TENANT, "meter", meter_id)
    return [fact for _, _, fact in load_streams(ledger.connection, "session", {stream: 0})]


def test_a_meter_is_a_stream_of_the_sessions_log(bare_feed: Feed, ledger: Ledger, meter_id: str) -> None:
    configured = said("configured", meter_id, "3", roll_over_kwh="1000000", unit="KWH", legal_metering="DE")
    bare_feed.deliver(key(meter_id), replaced(meter_id), configured)
    facts = facts_of_meter(ledger, meter_id)
    assert short_topics(facts) == ["KeyRegistered", "MeterReplaced", "MeterConfigured"]
    assert (facts[0].public_key, facts[1].last_register_milliwh, facts[2].legal_metering) == (KEY, 99_871_250_000, "DE")
    assert bare_feed.outcomes() == (3, 0, 0)


def test_the_same_said_twice_is_counted_and_stored_once(bare_feed: Feed, ledger: Ledger, meter_id: str) -> None:
    bare_feed.deliver(key(meter_id), key(meter_id))
    bare_feed.restart()
    bare_feed.deliver(key(meter_id), key(meter_id, "another-name"))
    assert short_topics(facts_of_meter(ledger, meter_id)) == ["KeyRegistered"]
    assert bare_feed.outcomes() == (1, 3, 0)


def test_another_key_is_another_fact_also_after_a_restart(bare_feed: Feed, ledger: Ledger, meter_id: str) -> None:
    bare_feed.deliver(key(meter_id))
    bare_feed.restart()
    bare_feed.deliver(key(meter_id, "2", OTHER_KEY))
    facts = facts_of_meter(ledger, meter_id)
    assert [fact.public_key for fact in facts if isinstance(fact, KeyRegistered)] == [KEY, OTHER_KEY]


def test_what_is_refused_is_parked_with_its_reason(
    bare_feed: Feed, names: Names, ledger: Ledger, meter_id: str
) -> None:
    bare_feed.deliver(key(meter_id, "1", "no key"), replaced(meter_id), replaced(meter_id, "3", new_meter_id="M-3"))
    assert [(row.kind, row.reason) for row in parked(ledger, names.topic)] == [
        ("REFUSED", "the key is neither hex nor base64"),
        ("REFUSED", "the meter has another replacement at that instant (message 2)"),
    ]
    assert short_topics(facts_of_meter(ledger, meter_id)) == ["MeterReplaced"]


def test_another_process_may_say_something_of_a_meter_that_is_in_memory(
    bare_feed: Feed, names: Names, ledger: Ledger, meter_id: str
) -> None:
    bare_feed.deliver(key(meter_id))
    other = Feed(ledger, f"{names.topic}-other")
    other.deliver(key(meter_id, "2", OTHER_KEY))
    other.close()
    bare_feed.deliver(key(meter_id, "3"))
    facts = facts_of_meter(ledger, meter_id)
    assert [fact.public_key for fact in facts] == [KEY, OTHER_KEY, KEY]
