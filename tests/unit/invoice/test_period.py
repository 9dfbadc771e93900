"""Billing periods: where they end, what they are called."""

from datetime import UTC, datetime, timedelta

import pytest

from consumers.session_log import open_period
from ledger.account.events import AccountFact
from ledger.invoice.decide import series_of
from ledger.invoice.period import period_of
from ledger.values.time import from_instant, to_instant
from tests.building import account, fact_of

AMSTERDAM = "Europe/Amsterdam"


def period(instant: str, zone: str = AMSTERDAM, closing_day: int = 1) -> tuple[str, str]:
    name, ends_at = period_of(to_instant(instant), zone, closing_day)
    return name, from_instant(ends_at)


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2026-10-01T00:00:00+02:00", ("2026-10", "2026-10-31T23:00:00Z")),
        ("2026-10-31T23:59:59.999999+01:00", ("2026-10", "2026-10-31T23:00:00Z")),
        ("2026-11-01T00:00:00+01:00", ("2026-11", "2026-11-30T23:00:00Z")),
        ("2026-12-31T22:59:59Z", ("2026-12", "2026-12-31T23:00:00Z")),
        ("2026-12-31T23:00:00Z", ("2027-01", "2027-01-31T23:00:00Z")),
        ("2026-03-29T01:30:00Z", ("2026-03", "2026-03-31T22:00:00Z")),
        ("2028-02-29T12:00:00Z", ("2028-02", "2028-02-29T23:00:00Z")),
    ],
)
def test_with_closing_day_one_a_period_is_a_calendar_month_of_the_zone(instant: str, expected: tuple[str, str]) -> None:
    assert period(instant) == expected


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", ("2026-10", "2026-11-01T00:00:00Z")),
        ("America/New_York", ("2026-10", "2026-11-01T04:00:00Z")),
        ("Pacific/Auckland", ("2026-11", "2026-11-30T11:00:00Z")),
        ("Asia/Kolkata", ("2026-11", "2026-11-30T18:30:00Z")),
    ],
)
def test_the_zone_of_the_account_says_when_the_month_is_over(zone: str, expected: tuple[str, str]) -> None:
    assert period("2026-10-31T18:45:00Z", zone) == expected


@pytest.mark.parametrize(
    ("instant", "closing_day", "expected"),
    [
        ("2026-10-14T12:00:00Z", 15, ("2026-10", "2026-10-14T22:00:00Z")),
        ("2026-10-15T12:00:00Z", 15, ("2026-11", "2026-11-14T23:00:00Z")),
        ("2026-10-01T12:00:00Z", 2, ("2026-10", "2026-10-01T22:00:00Z")),
        ("2026-01-30T12:00:00Z", 31, ("2026-01", "2026-01-30T23:00:00Z")),
        ("2026-01-31T12:00:00Z", 31, ("2026-02", "2026-02-27T23:00:00Z")),
        ("2026-02-28T12:00:00Z", 31, ("2026-03", "2026-03-30T22:00:00Z")),
        ("2028-02-28T12:00:00Z", 30, ("2028-02", "2028-02-28T23:00:00Z")),
        ("2026-04-30T12:00:00Z", 31, ("2026-05", "2026-05-30T22:00:00Z")),
        ("2026-12-31T12:00:00Z", 31, ("2027-01", "2027-01-30T23:00:00Z")),
    ],
)
def test_a_period_is_named_by_the_month_of_its_last_day(
    instant: str, closing_day: int, expected: tuple[str, str]
) -> None:
    """A month that is too short closes on its last day."""
    assert period(instant, closing_day=closing_day) == expected


def test_a_midnight_that_the_clock_skips_is_the_instant_of_the_change() -> None:
    """In Cairo the clock went from 00:00 to 01:00 on 26 April 2024."""
    assert period("2024-04-20T00:00:00Z", "Africa/Cairo", 26) == ("2024-04", "2024-04-25T22:00:00Z")


@pytest.mark.parametrize("zone", [AMSTERDAM, "America/Havana", "Africa/Cairo", "Australia/Lord_Howe", "Asia/Kathmandu"])
@pytest.mark.parametrize("closing_day", [1, 15, 29, 31])
def test_periods_follow_each_other_without_a_gap(zone: str, closing_day: int) -> None:
    instant, names = datetime(2023, 1, 1, tzinfo=UTC), []
    for _ in range(48):
        current = period_of(instant, zone, closing_day)
        assert current.ends_at > instant
        assert period_of(current.ends_at - timedelta(microseconds=1), zone, closing_day) == current
        names.append(current.name)
        instant = current.ends_at
    assert names == sorted(set(names))


def payer(**data: object) -> AccountFact:
    fact = fact_of(account("A", "MONTHLY", **data))  # type: ignore[arg-type]
    assert isinstance(fact, AccountFact)
    return fact


def test_a_session_belongs_to_the_period_in_which_it_ended() -> None:
    assert open_period(to_instant("2026-10-31T12:00:00Z"), payer(), None).name == "2026-10"


def test_after_the_close_it_goes_to_the_next() -> None:
    closed = to_instant("2026-10-31T23:00:00Z")
    assert open_period(to_instant("2026-10-31T12:00:00Z"), payer(), closed).name == "2026-11"
    assert open_period(to_instant("2026-08-31T12:00:00Z"), payer(), closed).name == "2026-11"
    assert open_period(to_instant("2026-12-05T12:00:00Z"), payer(), closed).name == "2026-12"


@pytest.mark.parametrize(
    ("instant", "zone", "series"),
    [
        ("2026-12-31T22:59:59Z", AMSTERDAM, "ABC-NL-2026"),
        ("2026-12-31T23:00:00Z", AMSTERDAM, "ABC-NL-2027"),
        ("2027-01-01T04:59:59Z", "America/New_York", "ABC-NL-2026"),
        ("2026-12-31T10:00:00Z", "Pacific/Kiritimati", "ABC-NL-2027"),
    ],
)
def test_a_series_is_of_the_year_in_the_zone_of_the_seller(instant: str, zone: str, series: str) -> None:
    assert series_of("ABC-NL", to_instant(instant), zone) == series
