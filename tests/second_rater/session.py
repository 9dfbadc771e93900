"""A session as its meter and its station told it."""

from dataclasses import dataclass
from typing import NamedTuple


class Sample(NamedTuple):
    """A register and, where the station sends them, the power and the sum of the currents at that instant."""

    at_us: int
    register_milliwh: int
    power_milliwatt: int | None
    current_microampere: int | None


class StateChange(NamedTuple):
    """A charging state of OCPP 2.0.1 that holds from an instant on."""

    at_us: int
    charging_state: str


class Reservation(NamedTuple):
    """Reserved from an instant to another; an expired one was not followed by charging."""

    from_us: int
    until_us: int
    expired: bool


@dataclass(frozen=True)
class Session:
    """Instants in microseconds since 1970; samples and states in the order of their instants."""

    zone: str
    start_us: int
    start_register_milliwh: int
    end_us: int
    end_register_milliwh: int
    samples: tuple[Sample, ...] = ()
    states: tuple[StateChange, ...] = ()
    reservation: Reservation | None = None
