"""Batches of the adapter: each one transaction, behind the fence of its partitions, one at a time in a database."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import Cursor

from consumers.ocpp import rows
from consumers.ocpp.batch import Batch, Read, Rest
from consumers.ocpp.outcomes import AdapterTotals, Epochs
from ledger.application import Ledger, UnavailableError, one_line
from ledger.intake.message import Record

# How often a quiet adapter looks for stations and accounts that came by another way, such as a file.
LOOK_INTERVAL_S = 1

# What was stored may become visible so much later: longer than any writer's transaction lasts.
LOOK_BACK = timedelta(minutes=2)

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

# A message about a station that another process stored meanwhile makes a batch fail once; then it is known.
ATTEMPTS_MAX = 3

OUTAGES = (psycopg.OperationalError, psycopg.InternalError)


class OcppPipeline:
    """Feeds records to the adapter. Each batch is stored on return, so nothing is ever on its way."""

    def __init__(self, ledger: Ledger, read: Read, tenant: str, group: str) -> None:
        self._ledger = ledger
        self._read = read
        self._tenant = tenant
        self.group = group
        self.totals = AdapterTotals()
        self._look_due = 0.0
        self._looked_at = LONG_AGO
        self._rests: list[Rest] = []

    def handle(self, records: Sequence[Record], epochs: Epochs) -> None:
        """Adapt one batch and store it. Raises FencedError, UnavailableError; then nothing of it is stored.

        Frames that waited for what it brought go on before the next one, in as many transactions as they need.
        """

        def work(batch: Batch, _cursor: Cursor[Any]) -> None:
            batch.take(records)

        self._go_on()
        self._in_transaction(work, epochs)
        self._go_on()

    def drain(self) -> None:
        """What had waited for stations and accounts that came by another way goes on. Raises UnavailableError."""
        self._go_on()
        if time.monotonic() >= self._look_due:
            self.look()

    def look(self) -> None:
        """The same, at once, and to the end of what the ledger knows."""
        began, is_behind = LONG_AGO, True

        def work(batch: Batch, cursor: Cursor[Any]) -> None:
            nonlocal began, is_behind
            began = rows.clock(cursor)
            is_behind = batch.follow(rows.came_since(cursor, self._tenant, self.group, self._looked_at))

        while is_behind:
            self._in_transaction(work, {})
            self._looked_at = began - LOOK_BACK
            self._go_on()
        self._look_due = time.monotonic() + LOOK_INTERVAL_S

    def wait(self, timeout_s: int) -> None:
        """Nothing is on its way."""

    def forget(self) -> None:
        """Nothing is remembered of a partition between batches."""

    def _go_on(self) -> None:
        """What more frames waited for than one transaction takes. After a kill, `look` finds the others again."""

        def work(batch: Batch, _cursor: Cursor[Any]) -> None:
            batch.resume(self._rests[0])

        while self._rests:
            self._in_transaction(work, {})
            del self._rests[0]

    def _in_transaction(self, work: Callable[[Batch, Cursor[Any]], None], epochs: Epochs) -> None:
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                totals, rests = self._once(work, epochs)
            except psycopg.errors.UniqueViolation as error:
                if attempt == ATTEMPTS_MAX:
                    raise UnavailableError(one_line(error)) from error
            except OUTAGES as error:
                raise UnavailableError(one_line(error)) from error
            else:
                self.totals = self.totals.plus(totals)
                self._rests += rests
                return

    def _once(self, work: Callable[[Batch, Cursor[Any]], None], epochs: Epochs) -> tuple[AdapterTotals, list[Rest]]:
        connection = self._ledger.connection
        with connection.transaction(), connection.cursor() as cursor:
            rows.lock(cursor)
            batch = Batch(connection, cursor, self._read, self._tenant, self.group)
            work(batch, cursor)
            return batch.store(epochs), batch.rests
