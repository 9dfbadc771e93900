"""Batches of records into the ledger: while one is written, the next is decided, and those after that are read.

Reading ahead is the work of another process, where there is one (`consumers.read_ahead`). The database client lets go
of the interpreter while it waits, so the server's work overlaps with ours. The order of batches stays: a batch is sent
only after the one before it is stored, and when that one fails, what was decided on top of it is forgotten and decided
again.
"""

import logging
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import NamedTuple

import psycopg

from consumers.garbage import settle_garbage
from consumers.read_ahead import BATCHES_MAX, ReadAhead
from ledger.application import Ledger, StaleError, UnavailableError, one_line
from ledger.intake.batch import Batch
from ledger.intake.decide import Decider
from ledger.intake.loading import Loader
from ledger.intake.message import Arrival, Part, Record
from ledger.intake.runs import in_runs
from ledger.session.plausibility.rules import DEFAULT_RULES, Rules
from ledger.store.positions import INGEST_GROUP
from ledger.store.recorder import FencedError, Written

log = logging.getLogger("evledger.consumers")

# A batch ends at whichever comes first: below it round trips show, above it memory and the time under the lock grow.
BATCH_MESSAGES_MAX = 5_000
BATCH_BYTES_MAX = 16 * 1024 * 1024

# A write has half a dozen answers to take, and waits for the interpreter after each: with the usual 5 ms a batch was
# under its lock for twice as long.
SWITCH_INTERVAL_S = 0.000_5

# So many batches are read, or lie ready, while one is decided: with one alone, one process waited for the other a fifth
# of the time.
BATCHES_AHEAD = BATCHES_MAX - 1

# Others can move a stream or bring what was missing between our look and our lock; that again and again is a fault.
STALE_ATTEMPTS_MAX = 20

# A lock timeout or a restarting server is tried again; the wait is the time limit itself, so a few are minutes.
UNAVAILABLE_ATTEMPTS_MAX = 5

Epochs = Mapping[tuple[str, int], int]


def settle_process() -> None:
    """Called once, when all is loaded and a consumer begins.

    Garbage is looked for less often, and the writer gets the interpreter as soon as the server has answered.
    """
    settle_garbage()
    sys.setswitchinterval(SWITCH_INTERVAL_S)


class Totals(NamedTuple):
    """What a run did: messages by outcome, and sessions that are held because of it."""

    read: int = 0
    appended: int = 0
    duplicates: int = 0
    parked: int = 0
    held: int = 0

    def plus(self, batch: Batch) -> "Totals":
        counts = batch.counts.values()
        retried = sum(settled.outcome == "APPENDED" for settled in batch.settled)
        repeated = sum(settled.outcome == "DUPLICATE" for settled in batch.settled)
        return Totals(
            self.read + sum(count.messages_read for count in counts),
            self.appended + sum(count.appended for count in counts) + retried,
            self.duplicates + sum(count.duplicates for count in counts) + repeated,
            self.parked + len(batch.parked) - retried - repeated,
            self.held + len(batch.newly_held),
        )


class _Job(NamedTuple):
    batch: Batch
    epochs: Epochs
    written: Future[Written]


class Pipeline:
    """Feeds records to the ledger in batches, one being written while the next is decided."""

    def __init__(  # noqa: PLR0913 - what the wiring chooses, each by itself
        self,
        ledger: Ledger,
        read: Callable[[Record], Arrival],
        legal_entity: str,
        group: str = INGEST_GROUP,
        ahead: ReadAhead | None = None,
        *,
        rules: Rules = DEFAULT_RULES,
    ) -> None:
        self._ledger = ledger
        self._read = read
        self.group = group
        self._loader = Loader(lambda: ledger.connection, read)
        self._decider = Decider(self._loader, legal_entity, rules)
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._ahead = ahead
        self._epochs_ahead: deque[Epochs] = deque()  # of the batches that are read ahead
        self._job: _Job | None = None
        self._number = 0
        self.totals = Totals()

    def close(self) -> None:
        self._writer.shutdown()

    def __enter__(self) -> "Pipeline":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def handle(self, records: Sequence[Record], epochs: Epochs) -> None:
        """Take one batch: read, decide and send it; on return it may still be on its way (see `drain`).

        Raises FencedError when a partition was lost, UnavailableError when the database stays away; then nothing of
        the batch, nor of those before it that were on their way if one of them failed, is stored, and nothing is
        remembered.
        """
        is_ahead = self._ahead is not None and self._ahead.begin(records)
        with self._or_nothing():
            if is_ahead:
                self._epochs_ahead.append(epochs)
            self._take_ahead(BATCHES_AHEAD if is_ahead else 0)
            if not is_ahead:
                self._take(in_runs(records, [self._read(record) for record in records]), epochs)

    def drain(self) -> None:
        """Wait until everything that was handled is stored. Raises as `handle` does."""
        with self._or_nothing():
            self._take_ahead(0)
            self._finish(on_top=None)

    def wait(self, timeout_s: int) -> None:
        """Give what is on its way some time to be stored. May be called from another thread; what became of it is
        for `handle` or `drain` to find out.
        """
        job = self._job
        if job is not None:
            wait([job.written], timeout_s)

    def forget(self) -> None:
        """Drop all states in memory, and what is on its way: whoever lost a partition starts from the store."""
        job, self._job = self._job, None
        if job is not None:
            job.written.exception()
        if self._ahead is not None:
            self._ahead.drop()
        self._epochs_ahead.clear()
        self._loader.subjects.clear()

    def _take_ahead(self, rest: int) -> None:
        """Decide and send what was read ahead, but for the last `rest` batches."""
        while self._ahead is not None and len(self._epochs_ahead) > rest:
            self._take(self._ahead.finish(), self._epochs_ahead.popleft())

    @contextmanager
    def _or_nothing(self) -> Iterator[None]:
        """A failure leaves nothing on its way: what follows a lost batch must not be stored either."""
        try:
            yield
        except Exception:
            self.forget()
            raise

    def _take(self, parts: Sequence[Part], epochs: Epochs) -> None:
        """Decide one batch and send it."""
        if self._job is not None and self._job.batch.parked:
            self._finish(on_top=None)  # what was parked must be in the table before the next batch looks for it
        batch = self._decide(parts)
        if not self._finish(on_top=batch):
            batch = self._decide(parts)
        self._job = _Job(batch, epochs, self._writer.submit(self._ledger.commit, batch, self.group, epochs))

    def _decide(self, parts: Sequence[Part]) -> Batch:
        self._number += 1
        try:
            return self._decider.decide(self._number, parts)
        except (psycopg.OperationalError, psycopg.InternalError) as error:  # the latter: ended by a time limit
            self.forget()
            raise UnavailableError(one_line(error)) from error

    def _finish(self, on_top: Batch | None) -> bool:
        """Wait for the batch on its way. False when it was decided again; then what was decided on top must be too."""
        job, self._job = self._job, None
        if job is None:
            return True
        try:
            job.written.result()
        except (StaleError, UnavailableError) as problem:
            self._drop(job.batch, on_top)
            self._again(job, problem)
            return False
        except FencedError:
            self.forget()
            raise
        self._stored(job.batch)
        return True

    def _again(self, job: _Job, problem: Exception) -> None:
        """Decide and store a failed batch anew until it is stored, alone, without overlap."""
        stale = unavailable = 0
        while True:
            stale, unavailable = _attempts(problem, stale, unavailable)
            batch = self._decide(job.batch.parts)
            try:
                self._ledger.commit(batch, self.group, job.epochs)
            except (StaleError, UnavailableError) as again:
                self._drop(batch, None)
                problem = again
            except FencedError:
                self.forget()
                raise
            else:
                self._stored(batch)
                return

    def _drop(self, batch: Batch, on_top: Batch | None) -> None:
        self._loader.subjects.drop(batch.touched)
        if on_top is not None:
            self._loader.subjects.drop(on_top.touched)

    def _stored(self, batch: Batch) -> None:
        self.totals = self.totals.plus(batch)
        self._loader.subjects.finish(batch.number, batch.finished)


def _attempts(problem: Exception, stale: int, unavailable: int) -> tuple[int, int]:
    """Count one more failure; raises it when there were too many."""
    log.warning("a batch is decided again: %s", problem)
    if isinstance(problem, StaleError):
        stale += 1
    else:
        unavailable += 1
    if stale > STALE_ATTEMPTS_MAX or unavailable > UNAVAILABLE_ATTEMPTS_MAX:
        raise problem
    return stale, unavailable
