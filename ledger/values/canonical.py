"""JSON in, without floating point; canonical JSON out, the same bytes for the same content."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any, Final, NoReturn

import msgspec

# Tariffs and events nest about ten deep; the limit keeps recursive readers far from the stack's end.
MAX_DEPTH: Final = 64
# A price or quantity has a handful of digits; longer numbers only cost time.
MAX_NUMBER_LENGTH: Final = 40
# 10**30 of any currency is no price; without the limit `1e999999` is a megabyte of canonical text.
MAX_EXPONENT: Final = 30

_TEXT: Final[frozenset[type]] = frozenset({str})
_PLAIN: Final[frozenset[type]] = frozenset({str, int, bool, type(None)})
_PLAIN_OR_NESTED: Final[frozenset[type]] = _PLAIN | {dict, list}
_encode: Final = msgspec.json.Encoder(order="sorted").encode


def canonical_json(content: object) -> bytes:
    """UTF-8 JSON with sorted keys, without spaces; a Decimal in its shortest text (0.50 is 0.5).

    Takes dicts with string keys, lists, tuples, str, int, bool, None, Decimal. TypeError for a float and
    for anything else, ValueError for a Decimal that is no number.
    """
    if _is_plain(content):
        # An integer beyond 64 bits overflows the encoder; the way below writes its text.
        with suppress(OverflowError):
            return _encode(content)
    return _encode(_encodable(content))


def sha256_hex(content: bytes) -> str:
    """SHA-256 as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def decimal_text(number: Decimal) -> str:
    """Shortest plain decimal text: no exponent, no trailing zeros, no minus before zero."""
    if not number.is_finite():
        raise ValueError(f"{number} is no number")
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def read_json_decimals(text: bytes | str) -> Any:
    """JSON with every number parsed from its text: int, or Decimal where there is a point or an exponent.

    ValueError, in one line, for what is not UTF-8 or not JSON, NaN and Infinity, numbers or nesting beyond
    the limits above, a key given twice, text with U+0000 or half a surrogate pair.
    """
    try:
        content = json.loads(
            text if isinstance(text, str) else text.decode(),
            parse_float=_to_decimal,
            parse_int=_to_int,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object_of,
        )
    except RecursionError:
        raise ValueError(f"JSON is nested deeper than {MAX_DEPTH} levels") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte {error.start}") from None
    _check(content, MAX_DEPTH)
    return content


def _is_plain(content: object) -> bool:
    """Whether the encoder writes this as it stands: the common case, without a copy."""
    if type(content) is dict:
        types = {type(value) for value in content.values()}
        return _TEXT.issuperset(map(type, content)) and (
            types <= _PLAIN or (types <= _PLAIN_OR_NESTED and all(map(_is_plain, content.values())))
        )
    if type(content) is list:
        return all(map(_is_plain, content))
    return type(content) in _PLAIN


def _encodable(content: object) -> object:
    if isinstance(content, Mapping):
        return {_encodable_key(key): _encodable(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_encodable(item) for item in content]
    if isinstance(content, Decimal):
        return msgspec.Raw(decimal_text(content).encode())
    if type(content) is int:
        return msgspec.Raw(str(content).encode())
    if type(content) in _PLAIN:
        return content
    raise TypeError(f"{type(content).__name__} has no canonical JSON")


def _encodable_key(key: object) -> str:
    if type(key) is not str:
        raise TypeError("keys of a JSON object must be text")
    return key


def _to_decimal(text: str) -> Decimal:
    if len(text) > MAX_NUMBER_LENGTH:
        raise ValueError(f"number of {len(text)} characters: at most {MAX_NUMBER_LENGTH} are read")
    number = Decimal(text)
    if not number.is_finite() or abs(number.adjusted()) > MAX_EXPONENT:
        raise ValueError(f"number {text} is out of range")
    return number


def _to_int(text: str) -> int:
    if len(text) > MAX_NUMBER_LENGTH:
        raise ValueError(f"number of {len(text)} digits: at most {MAX_NUMBER_LENGTH} are read")
    return int(text)


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError(f"a key is given twice in the object with the keys {sorted(content)[:8]}")
    return content


def _check(content: object, levels_left: int) -> None:
    if isinstance(content, dict | list) and not levels_left:
        raise ValueError(f"JSON is nested deeper than {MAX_DEPTH} levels")
    if isinstance(content, dict):
        for key, value in content.items():
            _check_text(key)
            _check(value, levels_left - 1)
    elif isinstance(content, list):
        for value in content:
            _check(value, levels_left - 1)
    elif isinstance(content, str):
        _check_text(content)


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise ValueError("text contains U+0000")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("text contains half of a surrogate pair") from None
