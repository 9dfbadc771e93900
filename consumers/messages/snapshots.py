"""JSON objects that are kept as they came: OCPI's CdrLocation and CdrToken, and the texts inside a tariff."""

import re
from typing import Final

from consumers.messages.faults import UnreadableError, json_path
from consumers.messages.fields import MAX_TEXT_LENGTH

# Larger integers lose digits in readers that hold every JSON number as a double.
MAX_INTEGER: Final = 2**53
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")

Path = tuple[str | int, ...]


def to_snapshot(content: dict[str, object] | None, path: Path) -> dict[str, object] | None:
    """The object with its keys sorted, so that the same content is always the same bytes.

    Holds text, whole numbers, true, false and null. Raises UnreadableError for text that breaks the rules for
    free text, and for numbers that would go through floating point.
    """
    if content is None:
        return None
    refuse_bad_text(content, path)
    return _object(content, path)


def refuse_bad_text(content: object, path: Path) -> None:
    """Raises UnreadableError for a text or a key, at any depth, that is no free text."""
    if isinstance(content, str):
        _refuse_bad_text(content, path)
    elif isinstance(content, dict):
        for key, value in content.items():
            _refuse_bad_text(key, path)
            refuse_bad_text(value, (*path, key))
    elif isinstance(content, list):
        for place, value in enumerate(content):
            refuse_bad_text(value, (*path, place))


def _refuse_bad_text(text: str, path: Path) -> None:
    if len(text) > MAX_TEXT_LENGTH:
        raise UnreadableError(f"{json_path(path)}: is longer than {MAX_TEXT_LENGTH} characters")
    if _CONTROL.search(text):
        raise UnreadableError(f"{json_path(path)}: must be text without control characters")


def _object(content: dict[str, object], path: Path) -> dict[str, object]:
    return {key: _value(content[key], (*path, key)) for key in sorted(content)}


def _value(content: object, path: Path) -> object:
    if isinstance(content, dict):
        return _object(content, path)
    if isinstance(content, list):
        return [_value(value, (*path, place)) for place, value in enumerate(content)]
    if isinstance(content, float) or (isinstance(content, int) and abs(content) > MAX_INTEGER):
        raise UnreadableError(
            f"{json_path(path)}: must be a JSON string: such a number would go through floating point"
        )
    return content
