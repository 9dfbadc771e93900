"""Starts that name no tariff: chosen from what is stored when the start is handled, and stored with the reason."""

from typing import Any

import pytest

from ledger.application import Ledger
from ledger.session.events import SessionHeld, SessionStarted, TariffChoice
from tests.building import Event, Feed, Names, account, component, end, facts_of, ratings, start, tariff
from tests.integration.test_intake_failures import STALE, Fail, fail

__all__ = ["fail"]  # the fixture

GOLD = [{"group": "GOLD", "from": "2026-11-02", "until": "2026-11-03"}]


class Tenant:
    """Messages of a tenant of its own, so that no other test's tariffs are on offer."""

    def __init__(self, feed: Feed, name: str) -> None:
        self.feed = feed
        self.name = name

    def of(self, *events: Event) -> list[Event]:
        return [event.under(tenant=self.name) for event in events]

    def deliver(self, *events: Event) -> None:
        self.feed.deliver(*self.of(*events))

    def facts(self, session_id: str) -> list[Any]:
        return facts_of(self.feed.ledger, "session", session_id, self.name)

    def started(self, session_id: str) -> SessionStarted:
        (fact,) = [fact for fact in self.facts(session_id) if isinstance(fact, SessionStarted)]
        return fact

    def pinned(self, session_id: str) -> tuple[str, int] | None:
        pin = self.started(session_id).tariff_pin
        return None if pin is None else (pin.tariff_id, pin.tariff_version)


@pytest.fixture
def tenant(bare_feed: Feed, names: Names) -> Tenant:
    found = Tenant(bare_feed, f"tenant-{names.number}")
    found.deliver(account("ACC", memberships=GOLD))
    return found


def begun(session_id: str, minutes: int = 0, **data: Any) -> Event:
    return start(session_id, minutes, **{"account_id": "ACC", "power_type": "DC", **data})


def test_the_tariff_with_the_highest_priority_is_pinned_with_its_reason(tenant: Tenant) -> None:
    members = {"valid_for": {"groups": ["GOLD"], "location_ids": ["LOC1"]}, "priority": 1}
    tenant.deliver(tariff("ALL"), tariff("MEMBERS", **members), begun("S"), end("S"))
    started = tenant.started("S")
    assert tenant.pinned("S") == ("MEMBERS", 1)
    assert started.tariff_choice == TariffChoice(matched=("location_ids", "groups"), priority=1, passed_over=1)
    assert started.groups == ("GOLD",)


def test_a_session_that_starts_and_ends_in_one_batch_is_rated_under_the_chosen_tariff(tenant: Tenant) -> None:
    tenant.deliver(tariff("T", component("ENERGY", "0.50")))
    tenant.feed.restart()
    tenant.deliver(begun("S"), end("S"))
    (rated,) = [fact for fact in tenant.facts("S") if type(fact).__name__ == "SessionRated"]
    assert (rated.tariff_pin.tariff_id, rated.amount_minor) == ("T", 500)


def test_membership_counts_on_the_day_of_the_start_in_the_account_s_zone(tenant: Tenant) -> None:
    """Member of 2 November in Amsterdam: from 23:00 UTC of the day before."""
    tenant.deliver(tariff("T"), begun("first", -541), begun("second", -540), begun("third", 899), begun("last", 900))
    assert [tenant.started(s).groups for s in ("first", "second", "third", "last")] == [(), ("GOLD",), ("GOLD",), ()]


def test_only_a_tariff_of_the_tenant_that_came_before_the_start_counts(tenant: Tenant) -> None:
    tenant.feed.deliver(tariff("FOREIGN"))
    tenant.deliver(begun("early"), tariff("T"), begun("late"))
    assert (tenant.pinned("early"), tenant.pinned("late")) == (None, ("T", 1))
    assert [fact.reasons[0].code for fact in tenant.facts("early") if isinstance(fact, SessionHeld)] == ["NO_TARIFF"]


def test_a_tariff_on_its_way_to_the_store_is_on_offer(tenant: Tenant) -> None:
    tenant.feed.send(*tenant.of(tariff("T")))
    tenant.feed.send(*tenant.of(begun("S"), end("S")))
    tenant.feed.pipeline.drain()
    assert tenant.pinned("S") == ("T", 1)


def test_a_version_on_its_way_to_the_store_takes_the_place_of_the_stored_one(tenant: Tenant) -> None:
    tenant.deliver(tariff("Z"), tariff("A"), begun("before"))
    tenant.feed.send(*tenant.of(tariff("Z", minutes=-5, valid_for={"location_ids": ["ELSEWHERE"]})))
    tenant.feed.send(*tenant.of(begun("S")))
    tenant.feed.pipeline.drain()
    assert (tenant.pinned("before"), tenant.pinned("S")) == (("Z", 1), ("A", 1))


def test_a_tariff_of_a_batch_that_failed_is_chosen_once_it_is_stored(tenant: Tenant, fail: Fail) -> None:
    tenant.deliver(tariff("OLD"))
    fail(STALE)
    tenant.feed.send(*tenant.of(tariff("T", minutes=-5)))
    tenant.feed.send(*tenant.of(begun("S"), end("S")))
    tenant.feed.pipeline.drain()
    assert tenant.pinned("S") == ("T", 1)


def test_what_another_process_published_is_on_offer(tenant: Tenant, names: Names, ledger_url: str) -> None:
    tenant.deliver(begun("before"))
    with Ledger(ledger_url) as ledger:
        other = Feed(ledger, f"{names.topic}-other")
        other.deliver(*tenant.of(tariff("T")))
        other.close()
    tenant.deliver(begun("S"))
    assert (tenant.pinned("before"), tenant.pinned("S")) == (None, ("T", 1))


def test_the_pin_stays_whatever_is_published_later(tenant: Tenant) -> None:
    tenant.deliver(tariff("T"), begun("S"))
    tenant.deliver(tariff("T", component("ENERGY", "9"), minutes=-1), tariff("Z", priority=9), end("S"))
    assert tenant.pinned("S") == ("T", 1)


def test_a_start_told_twice_is_a_repeat(tenant: Tenant) -> None:
    tenant.deliver(tariff("T"), begun("S"))
    tenant.deliver(begun("S"), begun("S").under(id="another"))
    assert tenant.feed.totals.duplicates == 2


def test_a_start_that_names_its_tariff_keeps_it(feed: Feed, names: Names, ledger: Ledger) -> None:
    feed.deliver(names.started(), names.ended())
    started = facts_of(ledger, "session", names.session)[0]
    assert (started.tariff_pin.tariff_id, started.tariff_choice) == (names.tariff, None)
    assert len(ratings(ledger, names.session)) == 1
