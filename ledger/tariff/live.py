"""The cost of a session while it runs: what a new reading adds, instead of everything again."""

from bisect import insort
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Final

import msgspec

from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.fold import Fold
from ledger.tariff.periods import charging_periods
from ledger.tariff.policy import DEFAULT, Policies
from ledger.tariff.pricer import NO_SLOTS, price
from ledger.tariff.readings import Readings, Sample, StateChange
from ledger.tariff.report import Cost, Report
from ledger.tariff.spot import Slot

_INSTANT: Final = itemgetter(0)


class Live:
    """A running session under a tariff; its cost at the last reading is that of a session that ends there.

    Readings and states may come in any order. In the order of their instants each costs the same however
    long the session is; one that comes late makes the session be folded again.
    """

    def __init__(
        self,
        compiled: CompiledTariff,
        so_far: Readings,
        policies: Policies = DEFAULT,
        slots: Mapping[str, Sequence[Slot]] = NO_SLOTS,
    ) -> None:
        self._compiled = compiled
        self._policies = policies
        self._slots = slots
        self._so_far = so_far
        self._samples: list[Sample] = [sample for sample in so_far.samples if sample[0] >= so_far.start_us]
        self._states: list[StateChange] = list(so_far.state_changes)
        if so_far.end_us > so_far.start_us or so_far.end_register_milliwh != so_far.start_register_milliwh:
            self._samples.append((so_far.end_us, so_far.end_register_milliwh, None, None))
        self._fold_again()

    @property
    def readings(self) -> Readings:
        """All that was read so far, as a session that ends with the last reading."""
        so_far = self._so_far
        end = self._samples[-1][:2] if self._samples else (so_far.start_us, so_far.start_register_milliwh)
        return msgspec.structs.replace(
            so_far, end_us=end[0], end_register_milliwh=end[1], samples=self._samples, state_changes=self._states
        )

    def add_reading(
        self,
        at_us: int,
        register_milliwh: int,
        power_milliwatt: int | None = None,
        current_microampere: int | None = None,
    ) -> None:
        """A sample, or the end of the session, which has neither power nor current; before the start it is left out."""
        sample: Sample = (at_us, register_milliwh, power_milliwatt, current_microampere)
        if at_us < self._so_far.start_us:
            return
        is_late = bool(self._samples) and at_us < self._samples[-1][0]
        insort(self._samples, sample, key=_INSTANT)
        if is_late:
            self._fold_again()
        else:
            self._fold.add_reading(sample)

    def add_state_change(self, at_us: int, state: str) -> None:
        """A chargingState of OCPP 2.0.1; of several at one instant the one that comes last counts."""
        last_us = max(self._samples[-1][0] if self._samples else at_us, self._states[-1][0] if self._states else at_us)
        insort(self._states, (at_us, state), key=_INSTANT)
        if at_us < last_us:
            self._fold_again()
        else:
            self._fold.add_state_change(at_us, state)

    def cost(self) -> Cost:
        """The exact cost at the last reading, before and after tax: that of the report, at less effort.

        ValueError where a register fell; PriceMissingError where energy flowed and no slot has its price.
        """
        if self._fold.is_exact:
            return self._fold.cost()
        report = self.report()
        return Cost(report.excl, report.incl)

    def report(self) -> Report:
        """The session priced up to the last reading; it raises what `cost` raises."""
        if self._fold.is_exact:
            return self._fold.report()
        return price(self._compiled, charging_periods(self.readings, self._compiled), self._policies, self._slots)

    def _fold_again(self) -> None:
        self._fold = Fold(self._compiled, self.readings, self._policies, self._slots)
