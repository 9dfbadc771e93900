"""What kind of time runs in an interval, by the state that the station reported (OCPP 2.0.1 chargingState)."""

from typing import Final

from ledger.tariff.charging_period import Kind
from ledger.tariff.readings import TOLERANCE_MILLIWH
from ledger.values.exact import Exact

CHARGING_STATE: Final = "Charging"
# Until a station says otherwise a session charges.
ASSUMED_STATE: Final = CHARGING_STATE
# The vehicle is connected; whether it asks for power depends on whether it has charged before.
_CONNECTED_STATES: Final = frozenset({"EVConnected", "Idle"})
# The vehicle asks for no power.
PARKING_STATE: Final = "SuspendedEV"


def constant_kind(state: str) -> Kind | None:
    """The kind of a state that does not depend on energy, None where it does."""
    if state == CHARGING_STATE:
        return Kind.CHARGING
    return None if state == PARKING_STATE or state in _CONNECTED_STATES else Kind.NEITHER


def kind_of_interval(state: str, has_charged: bool, start_milliwh: Exact, end_milliwh: Exact) -> Kind:
    """The kind of an interval between two readings in a state; energies are the session's so far.

    In a state without power it parks, unless more than the tolerance flows; connected is parking only once the
    session has charged: a station said so before (`has_charged`), or more than the tolerance has flowed.
    """
    kind = constant_kind(state)
    if kind is not None:
        return kind
    if end_milliwh - start_milliwh > TOLERANCE_MILLIWH:
        return Kind.CHARGING
    if state == PARKING_STATE or has_charged or start_milliwh > TOLERANCE_MILLIWH:
        return Kind.PARKING
    return Kind.NEITHER
