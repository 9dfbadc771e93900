"""Facts to bytes and back; older versions are lifted, unknown ones stop the reader."""

from collections.abc import Iterator
from typing import Any

import pytest

from ledger.store import serial
from ledger.store.fact import CLASS_OF, TOPIC_OF, UPCASTERS, Fact, topic, version_of
from ledger.store.serial import UnknownFactError, decode_fact, encode_fact, topic_of

NAME = "test.Weighed"


def kilograms_to_grams(fields: dict[str, Any]) -> dict[str, Any]:
    return {"v": 2, "grams": fields["kilograms"] * 1000}


def add_scale(fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "v": 3, "scale": "unknown"}


@pytest.fixture
def weighed() -> Iterator[type[Fact]]:
    """A fact in its third version, registered for one test."""

    @topic(NAME, upcasters={1: kilograms_to_grams, 2: add_scale})
    class Weighed(Fact, frozen=True, kw_only=True, tag=3):
        grams: int
        scale: str

    yield Weighed
    del TOPIC_OF[Weighed], CLASS_OF[NAME], UPCASTERS[NAME]
    serial._decoder.cache_clear()


@pytest.mark.parametrize(
    ("state", "grams", "scale"),
    [
        (b'{"v":1,"kilograms":2}', 2000, "unknown"),
        (b'{"v":2,"grams":7}', 7, "unknown"),
        (b'{"v":3,"grams":7,"scale":"S1"}', 7, "S1"),
    ],
)
def test_each_version_ever_written_is_read(weighed: type[Any], state: bytes, grams: int, scale: str) -> None:
    assert decode_fact(NAME, state) == weighed(grams=grams, scale=scale)


def test_new_facts_carry_the_newest_version_first(weighed: type[Any]) -> None:
    assert encode_fact(weighed(grams=7, scale="S1")) == b'{"v":3,"grams":7,"scale":"S1"}'
    assert (version_of(weighed), topic_of(weighed(grams=7, scale="S1"))) == (3, NAME)


def test_a_stream_of_old_and_new_facts_is_read(weighed: type[Any]) -> None:
    states = [b'{"v":1,"kilograms":1}', b'{"v":3,"grams":5,"scale":"S1"}', b'{"v":2,"grams":6}']
    assert [decode_fact(NAME, state).grams for state in states] == [1000, 5, 6]  # type: ignore[attr-defined]


def test_an_unknown_topic_stops_the_reader() -> None:
    with pytest.raises(UnknownFactError, match=r"fact of unknown topic test\.Unheard: a newer version"):
        decode_fact("test.Unheard", b"{}")


@pytest.mark.parametrize("state", [b'{"v":4,"grams":7}', b'{"v":0,"grams":7}', b'{"grams":7}', b'{"v":"3","grams":7}'])
def test_an_unknown_version_stops_the_reader(weighed: type[Any], state: bytes) -> None:
    with pytest.raises(UnknownFactError, match=r"test\.Weighed of version .*: this program reads up to 3"):
        decode_fact(NAME, state)


@pytest.mark.parametrize(
    "state", [b'{"v":3,"grams":"7","scale":"S1"}', b'{"v":3,"grams":7}', b'{"v":2,"grams":null}', b'{"v":3', b"[]"]
)
def test_bytes_without_the_shape_of_their_version_stop_the_reader(weighed: type[Any], state: bytes) -> None:
    with pytest.raises(UnknownFactError, match=r"test\.Weighed"):
        decode_fact(NAME, state)


def test_a_topic_belongs_to_one_class(weighed: type[Any]) -> None:
    with pytest.raises(ValueError, match=r"topic test\.Weighed is already taken by Weighed"):

        @topic(NAME)
        class Other(Fact, frozen=True, kw_only=True):
            pass


def test_a_fact_cannot_be_changed(weighed: type[Any]) -> None:
    fact = weighed(grams=7, scale="S1")
    with pytest.raises(AttributeError):
        fact.grams = 8


@pytest.mark.usefixtures("weighed")
def test_every_fact_of_the_ledger_is_frozen_and_says_its_version() -> None:
    for cls in TOPIC_OF:
        assert cls.__struct_config__.frozen, cls
        assert version_of(cls) >= 1
