"""What makes two messages the same, and what makes them contradict each other."""

import msgspec
import pytest

from ledger.account.events import AccountChanged
from ledger.intake.message import content_sha256, name_of
from ledger.intake.subject import Subject, SubjectKey
from tests.building import Event, account, end, fact_of, reading, start, state, tariff

EVERY_KIND = [
    start("S", account_id="A", tariff_id="T"),
    reading("S", 15, "1002"),
    state("S", 15, "Idle"),
    end("S"),
    tariff("T"),
    account("A"),
]


@pytest.mark.parametrize("event", EVERY_KIND, ids=lambda event: event.type)
def test_a_message_is_the_same_wherever_it_was_read(event: Event) -> None:
    fact = fact_of(event)
    elsewhere = msgspec.structs.replace(fact, topic="other", partition=7, offset=99)
    assert content_sha256(elsewhere) == content_sha256(fact)


@pytest.mark.parametrize("event", EVERY_KIND, ids=lambda event: event.type)
def test_a_message_at_another_time_is_another_message(event: Event) -> None:
    later = event.under(time=event.time.replace(year=2027))
    assert content_sha256(fact_of(later)) != content_sha256(fact_of(event))


def test_a_reading_and_an_end_with_the_same_fields_differ() -> None:
    first, last = reading("S", 60, "1010").under(id="m"), end("S", 60, "1010").under(id="m")
    assert content_sha256(fact_of(first)) != content_sha256(fact_of(last))


def test_a_number_with_other_zeros_is_the_same_number() -> None:
    first, second = reading("S", 15, "1002.5"), reading("S", 15, "1002.500")
    assert content_sha256(fact_of(first)) == content_sha256(fact_of(second))


@pytest.mark.parametrize(
    ("source", "other"), [(("a", "b"), ("a", "c")), (("a", "b"), ("b", "b")), (("a/b", "c"), ("a", "b/c"))]
)
def test_a_name_is_source_and_id(source: tuple[str, str], other: tuple[str, str]) -> None:
    names = [name_of(fact_of(end("S").under(source=pair[0], id=pair[1]))) for pair in (source, other)]
    assert names == [source, other]


def test_a_subject_remembers_the_messages_of_its_facts() -> None:
    subject, fact = Subject(SubjectKey("account", "default", "A")), fact_of(account("A"))
    subject.apply(fact)
    assert (subject.version, subject.seen) == (1, {name_of(fact): fact})


def test_streams_of_other_kinds_tenants_and_ids_are_others() -> None:
    keys = [
        SubjectKey(kind, tenant, name)
        for kind in ("session", "tariff", "account")
        for tenant in ("a", "a/b")
        for name in ("c", "b/c")
    ]
    assert len({key.stream for key in keys}) == len(keys)


def test_a_subject_refuses_the_facts_of_another_kind() -> None:
    with pytest.raises(KeyError):
        Subject(SubjectKey("session", "default", "S")).apply(fact_of(account("A")))


def test_a_change_keeps_the_name_of_its_message() -> None:
    fact = fact_of(account("A", verb="changed"))
    assert isinstance(fact, AccountChanged)
    assert name_of(fact) == ("/test", fact.message_id)
