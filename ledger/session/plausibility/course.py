"""What a session did, as its rules look at it: points of the register, and the messages they came from."""

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from operator import itemgetter, sub

from ledger.session.events import MeterRecorded, SessionEnded, SessionStarted
from ledger.session.state import Session, message_name
from ledger.tariff.readings import Readings


class Course:
    """From the start's register over the samples to the end's, in sample order: parallel columns.

    `passed_us` and `rises_milliwh` are the intervals: the first ends at the first sample, the last at the end.
    Whole columns are compared at once where that suffices, as this runs at each end of a session.
    """

    def __init__(self, session: Session, started: SessionStarted, ended: SessionEnded, readings: Readings) -> None:
        self.session = session
        self.started = started
        self.ended = ended
        self.readings = readings
        samples = readings.samples
        self.instants_us = [readings.start_us, *map(itemgetter(0), samples), readings.end_us]
        self.registers_milliwh = [
            readings.start_register_milliwh,
            *map(itemgetter(1), samples),
            readings.end_register_milliwh,
        ]
        self.passed_us = list(map(sub, self.instants_us[1:], self.instants_us))
        self.rises_milliwh = list(map(sub, self.registers_milliwh[1:], self.registers_milliwh))

    @cached_property
    def _within(self) -> Sequence[MeterRecorded]:
        return self.session.readings_within(self.started.occurred_at, self.ended.occurred_at)

    def name(self, place: int) -> str:
        """The message (`source id`) that a point came from."""
        if place == 0:
            return message_name(self.started)
        return message_name(self.ended if place > len(self._within) else self._within[place - 1])

    def after_end(self) -> list[MeterRecorded]:
        """The samples that were taken after the end."""
        readings, end = self.session.readings, self.ended.occurred_at
        if not readings or readings[-1].occurred_at <= end:
            return []
        return [reading for reading in readings if reading.occurred_at > end]

    @cached_property
    def stated(self) -> list[tuple[str, int, int]]:
        """The states that the station reported, with their beginnings and ends within the session."""
        start_us, end_us = self.readings.start_us, self.readings.end_us
        changes = [change for change in self.readings.state_changes if change[0] < end_us]
        return [
            (name, max(since_us, start_us), until_us)
            for (since_us, name), (until_us, _) in pairwise([*changes, (end_us, "")])
            if until_us > max(since_us, start_us)
        ]
