"""Who owns a CDR: country and party of the operator, from its identifier `NL*ABC` or `NL-ABC`."""

import re
from typing import Any, Final, NamedTuple

_OPERATOR_ID: Final = re.compile(r"([A-Za-z]{2})[*-]?([A-Za-z0-9]{3})", re.ASCII)


class Party(NamedTuple):
    """OCPI country_code and party_id; None where nothing says them."""

    country_code: str | None
    party_id: str | None


def party_of(operator_id: str | None, tariff: dict[str, Any]) -> Party:
    """The operator where its identifier has the form of ISO 15118, else the party that the tariff names."""
    found = _OPERATOR_ID.fullmatch(operator_id or "")
    if found:
        return Party(found[1].upper(), found[2].upper())
    return Party(tariff.get("country_code"), tariff.get("party_id"))
