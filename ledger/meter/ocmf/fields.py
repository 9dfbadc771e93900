"""Fields of a record's JSON, read one by one: what is odd is noted, and stops nothing."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from ledger.values.time import to_instant

# A meter's register has at most a dozen digits; leading zeros and spaces fill up a display.
_NUMBER: Final = re.compile(r" {0,20}([+-]?[0-9]{1,24}(?:\.[0-9]{1,12})?) *")
_TIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[,.][0-9]{1,6})?(?:Z|[+-][0-9]{2}:?[0-9]{2}))"
    r" *([UISR])?"
)
TextsType = TypeVar("TextsType", bound=msgspec.Struct)

# 10**30 kWh is no reading; without the limit `1e999999` is a number of a megabyte.
_EXPONENT_MAX: Final = 30


def to_decimal(text: str) -> Decimal:
    """A JSON number with point or exponent, with the decimals it was written with. ValueError beyond the limit."""
    number = Decimal(text)
    if abs(number.adjusted()) > _EXPONENT_MAX:
        raise ValueError("a number is out of range")
    return number


class Fields:
    """The fields of one JSON object. `place` says in a fault where it stands; `faults` collects them."""

    __slots__ = ("_content", "_faults", "_place")

    def __init__(self, content: Mapping[str, Any], place: str, faults: list[str]) -> None:
        self._content = content
        self._place = place
        self._faults = faults

    def part(self, content: Mapping[str, Any], place: str) -> "Fields":
        """The fields of an object inside of this one."""
        return Fields(content, place, self._faults)

    def is_absent(self, key: str) -> bool:
        return self._content.get(key) is None

    def miss(self, key: str) -> None:
        """Note a field that must be there and is not."""
        if self.is_absent(key):
            self._note(key, "is missing")

    def text(self, key: str) -> str | None:
        value = self._content.get(key)
        if value is None or type(value) is str:
            return value
        self._note(key, "is no text")
        return None

    def texts_of(self, cls: type[TextsType]) -> TextsType:
        """A struct of nothing but texts, at once; one by one where one of them is none."""
        try:
            return msgspec.convert(self._content, cls)
        except msgspec.ValidationError:
            return cls(*map(self.text, cls.__struct_encode_fields__))

    def flag(self, key: str) -> bool | None:
        value = self._content.get(key)
        if value is None or type(value) is bool:
            return value
        self._note(key, "is neither true nor false")
        return None

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._content.get(key)
        if value is None:
            return ()
        if type(value) is list and all(type(item) is str for item in value):
            return tuple(value)
        self._note(key, "is no array of texts")
        return ()

    def objects(self, key: str) -> list[dict[str, Any]]:
        value = self._content.get(key)
        if type(value) is list and value and all(type(item) is dict for item in value):
            return value
        self._note(key, "is no array of objects")
        return []

    def matched(self, key: str, pattern: re.Pattern[str], meaning: str) -> re.Match[str] | None:
        value = self.text(key)
        found = None if value is None else pattern.fullmatch(value)
        if value is not None and found is None:
            self._note(key, f"is not {meaning}")
        return found

    def number(self, key: str) -> Decimal | None:
        """A number with its decimals: meters send JSON numbers, and texts that are filled up with spaces or zeros."""
        value = self._content.get(key)
        if value is None or type(value) is Decimal:
            return value
        if type(value) is int:
            return Decimal(value)
        if type(value) is str:
            found = self.matched(key, _NUMBER, "a number")
            return None if found is None else Decimal(found[1])
        self._note(key, "is no number")
        return None

    def time(self, key: str) -> tuple[datetime | None, str | None]:
        """`2018-07-24T13:22:04,000+0200 S` to an instant in UTC and the letter of the clock's state."""
        found = self.matched(key, _TIME, "a time such as 2018-07-24T13:22:04,000+0200 S")
        if found is None:
            self.miss(key)
            return None, None
        try:
            return to_instant(found[1]), found[2]
        except ValueError:
            self._note(key, "is no time of the calendar")
            return None, found[2]

    def _note(self, key: str, fault: str) -> None:
        self._faults.append(f"{self._place}{key} {fault}")
