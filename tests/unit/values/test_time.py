from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.values.time import from_instant, from_us, to_instant, to_us


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-02T08:00:00Z", datetime(2026, 11, 2, 8, tzinfo=UTC)),
        ("2026-11-02T08:00:00.5Z", datetime(2026, 11, 2, 8, microsecond=500_000, tzinfo=UTC)),
        ("2026-11-02T08:00:00.123456+05:30", datetime(2026, 11, 2, 2, 30, microsecond=123_456, tzinfo=UTC)),
        ("1999-12-31T23:30:00-01:00", datetime(2000, 1, 1, 0, 30, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_in_utc(text: str, utc: datetime) -> None:
    instant = to_instant(text)
    assert instant == utc
    assert instant.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30T08:00:00Z",
        "2026-11-02T24:00:00Z",
        "2026-11-02T08:00:60Z",
        "2026-11-02T08:00:00",
        "2026-11-02T08:00:00+24:00",
        "2026-11-02T08:00:00+01:75",
        "1999-12-31T23:59:59Z",
        "2101-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
    ],
)
def test_what_is_no_instant_of_a_session_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"2026|1999|2101|0001"):
        to_instant(text)


def test_an_instant_is_written_without_needless_digits() -> None:
    assert from_instant(datetime(2026, 1, 2, tzinfo=UTC)) == "2026-01-02T00:00:00Z"
    assert from_instant(datetime(2026, 1, 2, microsecond=120_000, tzinfo=UTC)) == "2026-01-02T00:00:00.12Z"
    assert from_instant(datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2)))) == "2026-01-01T22:00:00Z"


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=36_000)))
def test_an_instant_survives_text_and_microseconds(since_2000: timedelta) -> None:
    instant = datetime(2000, 1, 1, tzinfo=UTC) + since_2000
    assert to_instant(from_instant(instant)) == instant
    assert from_us(to_us(instant)) == instant
