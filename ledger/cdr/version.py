"""The versions of OCPI in which CDRs are written."""

from enum import StrEnum


class OcpiVersion(StrEnum):
    """OCPI 2.2.1 names amounts `excl_vat` and `incl_vat`; 2.3.0 has `before_taxes` and a list of taxes."""

    V2_2_1 = "2.2.1"
    V2_3_0 = "2.3.0"
