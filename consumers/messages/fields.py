"""The kinds of text that messages are made of: patterns and bounds that hold for every message.

All of them are checked in compiled code. `[0-9]` stands where one would write `\\d`, because in pydantic's
regular expressions `\\d` matches the digits of every script.
"""

from datetime import date
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from ledger.values.currencies import EXPONENTS
from ledger.values.time import MAX_YEAR, MIN_YEAR
from ledger.values.zones import UnknownTimeZoneError, time_zone

# A day's samples of one session fit many times; a larger value is a fault or an attack.
MAX_VALUE_BYTES: Final = 256 * 1024
# Ids are keys of indexes in the database.
MAX_ID_LENGTH: Final = 255
# Free text is printed on invoices and shown in lists.
MAX_TEXT_LENGTH: Final = 1_000
# Sequence numbers are stored as a 32-bit integer by the stations that send them.
SEQ_NO_END: Final = 2**31
# A month that has no such day closes on its last one.
MAX_CLOSING_DAY: Final = 31
# Ten years: a longer term of payment is a typing error.
MAX_PAYMENT_TERMS_DAYS: Final = 3_650

ID_PATTERN: Final = r"^[!-~]+$"
TEXT_PATTERN: Final = r"^[^\u0000-\u001f\u007f-\u009f]*$"
NAME_PATTERN: Final = r"^[^\u0000-\u001f\u007f-\u009f]+$"
BYTES_PATTERN: Final = r"^[^\u0000]*$"
QUANTITY_PATTERN: Final = r"^[0-9]{1,12}(\.[0-9]{1,6})?$"
SIGNED_QUANTITY_PATTERN: Final = r"^-?[0-9]{1,12}(\.[0-9]{1,6})?$"
INSTANT_PATTERN: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$"
)
DAY_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
COUNTRY_PATTERN: Final = r"^[A-Z]{2}$"
CURRENCY_PATTERN: Final = r"^[A-Z]{3}$"
LANGUAGE_PATTERN: Final = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"

# What a reason says about a text that does not match.
MEANINGS: Final[dict[str, str]] = {
    ID_PATTERN: "printable ASCII without spaces, 1 to 255 characters",
    TEXT_PATTERN: "text without control characters",
    NAME_PATTERN: "text without control characters, not empty",
    BYTES_PATTERN: "text without U+0000",
    QUANTITY_PATTERN: 'a quantity as text such as "1234.500": 1 to 12 digits, at most 6 decimals, no sign',
    SIGNED_QUANTITY_PATTERN: 'a price as text such as "-0.0123": 1 to 12 digits, at most 6 decimals',
    INSTANT_PATTERN: 'an instant with its offset such as "2026-11-02T08:00:00Z"',
    DAY_PATTERN: 'a day such as "2026-01-01"',
    COUNTRY_PATTERN: "a country of two capital letters",
    CURRENCY_PATTERN: "a currency of three capital letters",
    LANGUAGE_PATTERN: 'a language such as "de"',
}


def _existing_zone(name: str) -> str:
    try:
        time_zone(name)
    except UnknownTimeZoneError:
        raise PydanticCustomError("zone", "is no IANA time zone") from None
    return name


def _existing_currency(code: str) -> str:
    if code not in EXPONENTS:
        raise PydanticCustomError("currency", "is no currency of ISO 4217")
    return code


def _existing_day(text: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError("day", "is no day of the calendar") from None
    if not MIN_YEAR <= day.year <= MAX_YEAR:
        raise PydanticCustomError("day", f"is outside of the years {MIN_YEAR} to {MAX_YEAR}")
    return text


Id = Annotated[str, StringConstraints(strict=True, pattern=ID_PATTERN, max_length=MAX_ID_LENGTH)]
Text = Annotated[str, StringConstraints(strict=True, pattern=TEXT_PATTERN, max_length=MAX_TEXT_LENGTH)]
Name = Annotated[str, StringConstraints(strict=True, pattern=NAME_PATTERN, max_length=MAX_TEXT_LENGTH)]
# Bounded by the record's size alone: a signed reading carries its whole data set.
SignedText = Annotated[str, StringConstraints(strict=True, pattern=BYTES_PATTERN)]
Quantity = Annotated[str, StringConstraints(strict=True, pattern=QUANTITY_PATTERN)]
# Prices may be below zero on a market, and nowhere else.
SignedQuantity = Annotated[str, StringConstraints(strict=True, pattern=SIGNED_QUANTITY_PATTERN)]
InstantText = Annotated[str, StringConstraints(strict=True, pattern=INSTANT_PATTERN)]
DayText = Annotated[str, StringConstraints(strict=True, pattern=DAY_PATTERN), AfterValidator(_existing_day)]
Country = Annotated[str, StringConstraints(strict=True, pattern=COUNTRY_PATTERN)]
Currency = Annotated[str, StringConstraints(strict=True, pattern=CURRENCY_PATTERN), AfterValidator(_existing_currency)]
Language = Annotated[str, StringConstraints(strict=True, pattern=LANGUAGE_PATTERN, max_length=MAX_ID_LENGTH)]
TimeZone = Annotated[Id, AfterValidator(_existing_zone)]
Flag = Annotated[bool, Field(strict=True)]
SeqNo = Annotated[int, Field(strict=True, ge=0, lt=SEQ_NO_END)]
ClosingDay = Annotated[int, Field(strict=True, ge=1, le=MAX_CLOSING_DAY)]
PaymentTermsDays = Annotated[int, Field(strict=True, ge=0, le=MAX_PAYMENT_TERMS_DAYS)]

# OCPI 2.2.1 and 2.3.0, Locations, PowerType.
PowerType = Literal["AC_1_PHASE", "AC_2_PHASE", "AC_2_PHASE_SPLIT", "AC_3_PHASE", "DC"]
