"""Why a row is not used."""

from enum import StrEnum
from typing import NamedTuple


class Reason(StrEnum):
    """The reasons, as they are counted."""

    WRONG_NUMBER_OF_FIELDS = "wrong_number_of_fields"
    MISSING_VALUE = "missing_value"
    MISSING_START = "missing_start"
    MISSING_END = "missing_end"
    MISSING_ENERGY = "missing_energy"
    ODD_DATE = "odd_date"
    NONEXISTENT_LOCAL_TIME = "nonexistent_local_time"
    AMBIGUOUS_LOCAL_TIME = "ambiguous_local_time"
    BEFORE_TARIFF = "before_tariff"
    END_BEFORE_START = "end_before_start"
    STAY_TOO_LONG = "stay_too_long"
    UNREADABLE_ENERGY = "unreadable_energy"
    NEGATIVE_ENERGY = "negative_energy"
    ZERO_ENERGY = "zero_energy"
    UNREADABLE_POWER = "unreadable_power"
    UNUSABLE_TEXT = "unusable_text"
    VALUE_NOT_IN_MAP = "value_not_in_map"
    DUPLICATE_ROW = "duplicate_row"
    DUPLICATE_SESSION_ID = "duplicate_session_id"
    OVERLAP = "overlap"


class Note(StrEnum):
    """What was decided about a row that is used all the same."""

    AMBIGUOUS_TAKEN_AS_EARLIER = "ambiguous_local_time_taken_as_earlier"
    AMBIGUOUS_TAKEN_AS_LATER = "ambiguous_local_time_taken_as_later"
    NONEXISTENT_SHIFTED = "nonexistent_local_time_shifted_forward"
    ENERGY_ROUNDED = "energy_rounded_to_milliwatthours"


class RefusedError(Exception):
    """A row that cannot be used: the reason, and what it is about."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Refusal(NamedTuple):
    """A row that was not used."""

    line: int
    reason: Reason
    detail: str


class Noted(NamedTuple):
    """A row that was used, and what was decided about it."""

    line: int
    note: Note
