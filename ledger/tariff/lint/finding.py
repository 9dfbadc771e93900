"""What lint says about a tariff."""

from enum import StrEnum

import msgspec


class Code(StrEnum):
    """Kinds of findings; each is explained in this package's README."""

    NEVER_MATCHES = "NEVER_MATCHES"
    SHADOWED = "SHADOWED"
    NEVER_PRICED = "NEVER_PRICED"
    OVERLAPPING_HOURS = "OVERLAPPING_HOURS"
    MISSING_HOURS = "MISSING_HOURS"
    MINUTE_PRICE_INEXACT = "MINUTE_PRICE_INEXACT"
    STEP_SIZE_ZERO = "STEP_SIZE_ZERO"
    VAT_MISSING = "VAT_MISSING"
    BOUND_VAT = "BOUND_VAT"
    BOUNDS_CROSSED = "BOUNDS_CROSSED"
    AFIR_PRICE_PART = "AFIR_PRICE_PART"
    AFIR_NO_ENERGY_PRICE = "AFIR_NO_ENERGY_PRICE"
    AFIR_ORDER = "AFIR_ORDER"


class Finding(msgspec.Struct, frozen=True):
    """One finding: the JSON path it is about, its kind, and what is wrong in one line."""

    path: str
    code: Code
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.code}: {self.text}"


def element_path(place: int) -> str:
    """The JSON path of an element, counted from 0."""
    return f"$.elements[{place}]"


def component_path(place: int, component: int) -> str:
    """The JSON path of a price component, both counted from 0."""
    return f"{element_path(place)}.price_components[{component}]"
