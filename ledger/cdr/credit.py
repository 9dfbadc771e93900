"""Credit CDRs: a CDR is never changed, it is credited, and a new one is sent."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from ledger.cdr.decimals import instant_text
from ledger.cdr.fields import CREDIT_ID_LENGTH_MAX
from ledger.values.time import to_us

_SUFFIX: Final = "-C"


def credit_cdr(cdr: Mapping[str, Any], created_at: datetime) -> dict[str, Any]:
    """The Credit CDR of a CDR: all its data, `-C` behind its id, and only `total_cost` negated (OCPI, Credit CDRs).

    ValueError for a Credit CDR, which cannot be credited again, and for an id without room for the suffix.
    """
    if cdr.get("credit"):
        raise ValueError(f"CDR {cdr['id']} is a Credit CDR, and cannot be credited")
    credit_id = f"{cdr['id']}{_SUFFIX}"
    if len(credit_id) > CREDIT_ID_LENGTH_MAX:
        raise ValueError(f"CDR id {credit_id} is longer than the {CREDIT_ID_LENGTH_MAX} characters that OCPI takes")
    return {
        **cdr,
        "id": credit_id,
        "total_cost": _negated(cdr["total_cost"]),
        "credit": True,
        "credit_reference_id": cdr["id"],
        "last_updated": instant_text(to_us(created_at)),
    }


def _negated(price: Mapping[str, Any]) -> dict[str, Any]:
    """All amounts of a Price object with the other sign; the percentages of its taxes are no amounts."""
    return {name: _negated_side(value) for name, value in price.items()}


def _negated_side(value: Any) -> Any:
    if isinstance(value, int | Decimal):
        return -value if value else value
    return [{**tax, "amount": _negated_side(tax["amount"])} for tax in value]
