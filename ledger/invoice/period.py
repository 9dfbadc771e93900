"""Billing periods: from closing day to closing day at midnight, in the account's zone."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from ledger.values.zones import time_zone


class Period(NamedTuple):
    """`name` is the month of the period's last day (`2026-10`); it ends before the instant `ends_at`."""

    name: str
    ends_at: datetime


def period_of(instant: datetime, zone: str, closing_day: int) -> Period:
    """The period of an instant. With closing day 1, October ends at 00:00 on 1 November in the zone."""
    local = instant.astimezone(time_zone(zone)).date()
    closing = _closing_in(local.year, local.month, closing_day)
    if closing <= local:
        following = local.replace(day=28) + timedelta(days=4)
        closing = _closing_in(following.year, following.month, closing_day)
    last_day = closing - timedelta(days=1)
    ends_at = datetime.combine(closing, time(), time_zone(zone)).astimezone(UTC)
    return Period(f"{last_day.year:04}-{last_day.month:02}", ends_at)


def _closing_in(year: int, month: int, closing_day: int) -> date:
    """The closing day of a month; a month that is too short closes on its last day."""
    return date(year, month, min(closing_day, calendar.monthrange(year, month)[1]))
