"""Instants: aware datetimes in UTC at the edge, integer microseconds since 1970 inside."""

from datetime import UTC, datetime, timedelta
from typing import Final

US_PER_S: Final = 1_000_000
S_PER_HOUR: Final = 3_600
US_PER_HOUR: Final = S_PER_HOUR * US_PER_S

# Outside of these years an instant is a broken clock, not a charging session (message contract).
MIN_YEAR: Final = 2000
MAX_YEAR: Final = 2100

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = datetime(MIN_YEAR, 1, 1, tzinfo=UTC)
_END: Final = datetime(MAX_YEAR + 1, 1, 1, tzinfo=UTC)
_S_PER_DAY: Final = 86_400

_parsed = datetime.fromisoformat


def to_instant(text: str) -> datetime:
    """The instant of an RFC 3339 text that already matches the contract's pattern, as datetime in UTC.

    ValueError when the text is no date or time, or the year in UTC is outside MIN_YEAR to MAX_YEAR.
    """
    try:
        instant = _parsed(text)
        if instant.tzinfo is not UTC:
            instant = _in_utc(instant, text)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is no instant: {error}") from None
    if _FIRST <= instant < _END:
        return instant
    raise ValueError(f"{text!r} is outside of the years {MIN_YEAR} to {MAX_YEAR}")


def _in_utc(instant: datetime, text: str) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("it has no offset from UTC")
    if text[-2:] > "59":
        raise ValueError("the offset's minutes must be in 00..59")
    return instant.astimezone(UTC)


def from_instant(instant: datetime) -> str:
    """RFC 3339 text with `Z`; no fraction when it is zero, else up to six digits without trailing zeros."""
    text = instant.astimezone(UTC).replace(tzinfo=None).isoformat()
    if "." in text:
        text = text.rstrip("0")
    return text + "Z"


def to_us(instant: datetime) -> int:
    """Microseconds since 1970-01-01T00:00:00Z."""
    passed = instant - _EPOCH
    return (passed.days * _S_PER_DAY + passed.seconds) * US_PER_S + passed.microseconds


def from_us(instant_us: int) -> datetime:
    """The instant so many microseconds after 1970-01-01T00:00:00Z, as datetime in UTC."""
    return _EPOCH + timedelta(microseconds=instant_us)
