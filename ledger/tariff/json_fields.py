"""Reading one JSON object field by field, with errors that name the JSON path."""

from collections.abc import Collection, Iterator
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, NoReturn, TypeVar

_Choice = TypeVar("_Choice", bound=StrEnum)


class FieldError(ValueError):
    """A field that cannot be read; the text begins with its JSON path."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


class Fields:
    """The fields of a JSON object at a path. A field that is null counts as absent."""

    def __init__(self, content: object, path: str, error: type[FieldError]) -> None:
        self.path = path
        self.error = error
        if not isinstance(content, dict):
            raise error(path, f"is {_kind(content)}, not an object")
        self._content: dict[str, Any] = content

    def refuse(self, key: str, problem: str) -> NoReturn:
        """Raise the error for one field."""
        raise self.error(f"{self.path}.{key}", problem)

    def has(self, key: str) -> bool:
        """Whether the field is there and not null."""
        return self._content.get(key) is not None

    def value(self, key: str) -> object:
        """What stands there, None where nothing does."""
        return self._content.get(key)

    def allow_only(self, keys: Collection[str]) -> None:
        """Refuse keys that are not known, where they could change a price."""
        for key in self._content:
            if key not in keys:
                self.refuse(key, "is not known here and could change a price")

    def text(self, key: str) -> str | None:
        """A text, None where it is absent."""
        value = self._content.get(key)
        if value is not None and not isinstance(value, str):
            self.refuse(key, f"is {_kind(value)}, not a text")
        return value

    def number(self, key: str, maximum: int, decimals: int) -> Decimal | None:
        """A number from 0 to the maximum with at most so many decimals."""
        value = self._content.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self.refuse(key, f"is {_kind(value)}, not a number")
        number = Decimal(value)
        if not 0 <= number <= maximum:
            self.refuse(key, f"{number} is outside of 0 to {maximum}")
        if (Fraction(number) * 10**decimals).denominator != 1:
            self.refuse(key, f"{number} has more than {decimals} decimals")
        return number

    def integer(self, key: str, maximum: int) -> int | None:
        """A whole number from 0 to the maximum."""
        number = self.number(key, maximum, 0)
        return None if number is None else int(number)

    def choice(self, key: str, choices: type[_Choice]) -> _Choice | None:
        """One of the values of an enumeration."""
        text = self.text(key)
        try:
            return None if text is None else choices(text)
        except ValueError:
            self.refuse(key, f"{text[:40]!r} is none of {', '.join(choices)}" if text else "is empty")

    def object(self, key: str) -> "Fields | None":
        """The fields of an object inside this one."""
        value = self._content.get(key)
        return None if value is None else Fields(value, f"{self.path}.{key}", self.error)

    def items(self, key: str) -> list[Any]:
        """The items of an array; an absent array is empty."""
        value = self._content.get(key)
        if value is not None and not isinstance(value, list):
            self.refuse(key, f"is {_kind(value)}, not an array")
        return value or []

    def objects(self, key: str) -> Iterator["Fields"]:
        """The objects of an array, each with its own path."""
        for place, item in enumerate(self.items(key)):
            yield Fields(item, f"{self.path}.{key}[{place}]", self.error)

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts of an array."""
        items = self.items(key)
        for place, item in enumerate(items):
            if not isinstance(item, str):
                self.refuse(f"{key}[{place}]", f"is {_kind(item)}, not a text")
        return tuple(items)


def _kind(value: object) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true or false"
    for kind, name in ((dict, "an object"), (list, "an array"), (str, "a text")):
        if isinstance(value, kind):
            return name
    return "a number"
