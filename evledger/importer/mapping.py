"""The map of an import: a TOML file that says what the columns mean. See docs/importing.md."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from ledger.values.time import MAX_YEAR, MIN_YEAR

# A map has a few dozen lines; more is some other file.
MAX_MAP_BYTES: Final = 256 * 1024
# Longer than this, a car was not charging: the end was noted days late, or day and month are swapped.
DEFAULT_MAX_STAY_H: Final = 7 * 24
_MAX_STAY_LIMIT_H: Final = 366 * 24


class MapError(ValueError):
    """The map, or a file that it names, cannot be used: one line that names the file and the key."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError(f"{name!r} is no IANA time zone, such as Europe/London") from None
    return name


def _in_contract_years(instant: datetime) -> datetime:
    if not MIN_YEAR <= instant.astimezone(UTC).year <= MAX_YEAR:
        raise ValueError(f"must be in the years {MIN_YEAR} to {MAX_YEAR}")
    return instant


def _carries_a_date(text: str) -> str:
    return _survives(text, datetime(2001, 2, 3, tzinfo=UTC), "year, month and day")


def _carries_a_time(text: str) -> str:
    return _survives(text, datetime(1900, 1, 1, 14, 5, tzinfo=UTC), "hour and minute")


def _carries_both(text: str) -> str:
    return _survives(text, datetime(2001, 2, 3, 14, 5, tzinfo=UTC), "year, month, day, hour and minute")


def _survives(text: str, example: datetime, parts: str) -> str:
    """A format is good when what it writes can be read back."""
    try:
        again = datetime.strptime(example.strftime(text), text).replace(tzinfo=UTC)
    except ValueError:
        again = None
    if again != example:
        raise ValueError(f"{text!r} does not carry {parts} (codes as in strptime, such as %Y-%m-%d %H:%M)")
    return text


Id = Annotated[str, Field(pattern=r"^[!-~]{1,64}$")]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Zone = Annotated[str, AfterValidator(_known_zone)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Source(_Part):
    """Where a value comes from: a column, the same for all rows, or by table from a column's values."""

    column: Text | None = None
    value: Text | None = None
    values: dict[str, Text] | None = None

    @model_validator(mode="after")
    def _has_one_origin(self) -> Self:
        if (self.column is None) == (self.value is None):
            raise ValueError("give either column or value")
        if self.values is not None and self.column is None:
            raise ValueError("values translates a column: give column too")
        return self


class FileFormat(_Part):
    """How to read the file; absent, its ending tells."""

    kind: Literal["csv", "xlsx"] | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    encoding: Text = "utf-8-sig"
    sheet: Text | None = None


class SessionColumns(_Part):
    """Who and where. Without `id` a session is named by its content."""

    id: Source | None = None
    station: Source
    connector: Source
    location: Source
    power_type: Source | None = None
    max_power_kw: Source | None = None


class InstantColumns(_Part):
    """One column for date and time, or one for each."""

    column: Text | None = None
    format: Annotated[str, AfterValidator(_carries_both)] | None = None
    date: Text | None = None
    date_format: Annotated[str, AfterValidator(_carries_a_date)] | None = None
    time: Text | None = None
    time_format: Annotated[str, AfterValidator(_carries_a_time)] | None = None

    @model_validator(mode="after")
    def _is_one_or_split(self) -> Self:
        split = (self.date, self.date_format, self.time, self.time_format)
        if self.column is None and (self.date is None or self.time is None):
            raise ValueError("give column, or date and time")
        if self.column is not None and any(part is not None for part in split):
            raise ValueError("give column, or date and time, not both")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(name for name in (self.column, self.date, self.time) if name is not None)


class TimeRules(_Part):
    """How a local time becomes an instant, and how long a stay may be."""

    zone: Zone
    ambiguous: Literal["refuse", "earlier", "later"] = "refuse"
    nonexistent: Literal["refuse", "shift_forward"] = "refuse"
    max_stay_h: Annotated[int, Field(ge=1, le=_MAX_STAY_LIMIT_H)] = DEFAULT_MAX_STAY_H


class EnergyColumn(_Part):
    column: Text
    unit: Literal["kWh", "Wh"]
    decimal_sign: Literal[".", ","] = "."
    zero: Literal["use", "refuse"] = "refuse"


class PostalAddress(_Part):
    line1: Text
    postcode: Text
    city: Text
    country: Country


class Account(_Part):
    """Who pays: the fields of the account message; `per` opens one account for each value of a column."""

    id: Id
    per: Text | None = None
    name: Text
    kind: Literal["CONSUMER", "BUSINESS", "RESELLER"]
    country: Country
    currency: Currency
    billing: Literal["PER_SESSION", "MONTHLY", "PREPAID"]
    time_zone: Zone | None = None
    closing_day: Annotated[int, Field(ge=1, le=28)] | None = None
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] | None = None
    payment_terms_days: Annotated[int, Field(ge=0, le=365)] | None = None
    legal_entity: Id | None = None
    vat_id: Id | None = None
    email: Text | None = None
    address: PostalAddress | None = None
    cost_centre: Text | None = None


class TariffFile(_Part):
    """An OCPI Tariff object as JSON; `file` is relative to the map."""

    file: Text
    published_at: Annotated[AwareDatetime, AfterValidator(_in_contract_years)]


class SessionMap(_Part):
    """The whole map. `name` stands in the ids of everything made from the file."""

    name: Id
    country: Country
    operator_id: Id | None = None
    file: FileFormat = FileFormat()
    session: SessionColumns
    start: InstantColumns
    end: InstantColumns
    time: TimeRules
    energy: EnergyColumn
    account: Account
    tariff: TariffFile

    @property
    def columns(self) -> list[str]:
        """Names of all columns that the map uses."""
        of_session = [getattr(self.session, name) for name in SessionColumns.model_fields]
        named = [source.column for source in of_session if source is not None]
        of_rest = [*self.start.columns, *self.end.columns, self.energy.column, self.account.per]
        return [name for name in (*named, *of_rest) if name is not None]


def load_map(path: Path) -> SessionMap:
    """The map in a TOML file. MapError names the file and the first key that is wrong."""
    try:
        content = tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise MapError(f"{path} is no TOML: {error}") from None
    try:
        return SessionMap.model_validate(content)
    except ValidationError as error:
        raise MapError(f"{path}: {_told(error.errors()[0])}") from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_MAP_BYTES + 1)
    except OSError as error:
        raise MapError(f"map {path} cannot be read: {error.strerror}") from None
    if len(content) > MAX_MAP_BYTES:
        raise MapError(f"map {path} is larger than {MAX_MAP_BYTES} bytes: is it the right file?")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise MapError(f"map {path} is not UTF-8") from None


def _told(error: ErrorDetails) -> str:
    key = ".".join(str(part) for part in error["loc"]) or "the map"
    if error["type"] == "extra_forbidden":
        return f"{key}: unknown key"
    if error["type"] == "missing":
        return f"{key}: is missing"
    return f"{key}: {error['msg'].removeprefix('Value error, ')}"
