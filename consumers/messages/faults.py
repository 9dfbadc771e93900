"""Why a message cannot be read: one line with the JSON path and what was expected.

A reason is kept beside the parked message and shown in lists, so it never repeats what a person's fields hold:
input is shown only for the fields named here, and cut.
"""

import re
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from consumers.messages.fields import MEANINGS

# One line of a terminal holds a reason with its input.
MAX_SHOWN: Final = 60
# A reason from another room, with its path.
MAX_LINE: Final = 200
MAX_KEY_SHOWN: Final = 40
MAX_PATH_PARTS: Final = 8

# Fields whose content names no person; the input of all others is left out.
_SHOWN_FIELDS: Final = frozenset(
    {"specversion", "type", "time", "from", "until"}
    | {"register_kwh", "power_kw", "current_a", "soc_percent", "max_power_kw", "seq_no", "charging_state"}
    | {
        "per_kwh",
        "power_type",
        "time_zone",
        "country",
        "currency",
        "kind",
        "billing",
        "closing_day",
        "payment_terms_days",
    }
)
# What a reason says for the faults that pydantic names; others keep pydantic's words.
_EXPECTED: Final[dict[str, str]] = {
    "missing": "is missing",
    "string_type": "must be a JSON string",
    "string_pattern_mismatch": "must be {meaning}",
    "string_too_long": "is longer than {max_length} characters",
    "dict_type": "must be a JSON object",
}
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class UnreadableError(Exception):
    """The record is no message of any contract; the text is the reason, in one line."""


def shown(text: str) -> str:
    """Input as a reason may show it: quoted, escaped, cut."""
    quoted = ascii(text[: MAX_SHOWN + 1])
    return quoted if len(quoted) <= MAX_SHOWN else f"{quoted[:MAX_SHOWN]}…"


def reason_of(error: ValidationError, *, inside: tuple[str, ...] = ()) -> str:
    """The first fault in one line, and how many more there are. `inside` is the path to what was validated."""
    first = error.errors(include_url=False)[0]
    more = error.error_count() - 1
    if first["type"] == "json_invalid":
        return f"not JSON: {first['ctx']['error']}"
    line = f"{json_path((*inside, *first['loc']))}: {_expected(first)}{_given(first)}"
    return line if more < 1 else f"{line} (and {more} more)"


def json_path(parts: tuple[str | int, ...]) -> str:
    """`$.data.evses[0].connector_id`; always the path in the structured form of the event."""
    steps = "".join(map(_step, parts[:MAX_PATH_PARTS]))
    return f"${steps}{'…' if len(parts) > MAX_PATH_PARTS else ''}"


def _step(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    if len(part) <= MAX_KEY_SHOWN and _PLAIN_KEY.fullmatch(part):
        return f".{part}"
    return f"[{part[:MAX_KEY_SHOWN]!a}]"


def _expected(fault: ErrorDetails) -> str:
    context = fault.get("ctx", {})
    words = _EXPECTED.get(fault["type"])
    if words is None:
        return fault["msg"].replace("Input should be", "must be")
    return words.format(meaning=MEANINGS.get(context.get("pattern", "")), **context)


def _given(fault: ErrorDetails) -> str:
    given = fault["input"]
    if fault["type"] == "missing" or not fault["loc"] or fault["loc"][-1] not in _SHOWN_FIELDS:
        return ""
    if isinstance(given, str):
        return f", not {shown(given)}"
    return f", not {str(given)[:MAX_SHOWN]}" if isinstance(given, int | float) else ""


def one_line(text: str) -> str:
    """Text from elsewhere as part of a reason: escaped, cut."""
    escaped = text if text.isprintable() else ascii(text)[1:-1]
    return escaped if len(escaped) <= MAX_LINE else f"{escaped[:MAX_LINE]}…"
