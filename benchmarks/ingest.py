"""Ingest: messages as bytes to stored facts with positions, against binary COPY of the very same rows.

The messages are made beforehand and lie in a file; the clock runs from records in memory, as a poll would give them, to
the last commit. The limit and the naive path are taken in the same run.
"""

import struct
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec
import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from psycopg.conninfo import conninfo_to_dict

from benchmarks.child import in_child
from benchmarks.database import database
from consumers.messages.account import AccountDefaults
from consumers.messages.reader import MessageReader
from consumers.pipeline import BATCH_MESSAGES_MAX, Pipeline, settle_process
from consumers.read_ahead import ReadAhead
from evledger.simulator.benchmark import MESSAGES_PER_SESSION, benchmark_messages
from ledger.application import Ledger
from ledger.intake.message import Record
from ledger.store.positions import INGEST_GROUP, acquire, control_totals

TOPIC = "benchmark"
SEED = 7
LEGAL_ENTITY = "EVL"

# One aggregate save per message is a thousand times slower: a few are enough to know its rate.
NAIVE_MESSAGES = 2_000

START_TIMEOUT_S = 30

# Records lie ready as a poll leaves them, so many batches at a time: making them is none of the measured work. Before
# more are made, all that was handled is stored, so that nothing is done while the clock stands.
BATCHES_READY = 25

# All that is compared is taken in turns, so many times, and the best of each counts: whatever else runs on the machine
# makes a run slower, never faster, and seldom all runs of one kind.
RUNS = 5

COPY_BLOCK_BYTES = 1024 * 1024

LENGTH = struct.Struct("!I")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Record]).decode


def run(events: int) -> dict[str, Any]:
    """Ingest about `events` messages. `ratio` is rows stored per second to rows copied per second.

    `ratio_plausibility` is the speed to that of a run in which no session is judged plausible or not.
    """
    with tempfile.TemporaryDirectory(prefix="evledger-bench-ingest-") as folder:
        file = Path(folder) / "messages.bin"
        write_messages(file, max(events // MESSAGES_PER_SESSION, 1))
        rounds = [_round(file) for _ in range(RUNS)]
        with database() as place:
            naive_per_s = _naive_rate(place.url, file)
    limit_per_s = max(each.limit_per_s for each in rounds)
    unjudged_per_s = max(each.unjudged_per_s for each in rounds)
    ours = max([each.ours for each in rounds], key=itemgetter("rows_per_s"))
    return {
        **ours,
        "peak_rss_mb": max(each.ours["peak_rss_mb"] for each in rounds),
        "ratio_plausibility": round(ours["rows_per_s"] / unjudged_per_s, 2),
        "limit_per_s": round(limit_per_s),
        "ratio": round(ours["rows_per_s"] / limit_per_s, 2),
        "naive_per_s": round(naive_per_s),
    }


class Round(NamedTuple):
    """What is compared, taken one after the other: ours, ours without judging, and the limit of the same rows."""

    ours: dict[str, Any]
    unjudged_per_s: float
    limit_per_s: float


def _round(file: Path) -> Round:
    with database() as place:
        unjudged = in_child(ingest_unjudged, place.url, file)
    with database() as place:
        ours = in_child(ingest, place.url, file)
        return Round(ours, unjudged["rows_per_s"], _copy_rate(place.url, place.folder / "rows.bin"))


def ingest(url: str, file: Path) -> dict[str, Any]:
    """The measured work: read, find duplicates, decide, rate, store, move the position, commit."""
    defaults = AccountDefaults(LEGAL_ENTITY, "Europe/Amsterdam")
    read = MessageReader(defaults).read
    with (
        Ledger(url) as ledger,
        ReadAhead(defaults) as ahead,
        Pipeline(ledger, read, LEGAL_ENTITY, ahead=ahead) as pipeline,
    ):
        place = (TOPIC, 0)
        settle_process()
        assert ahead.wait(START_TIMEOUT_S)  # as it has in a consumer that runs
        _, epoch = acquire(ledger.connection, INGEST_GROUP, "benchmark", {place: 0})[place]
        source, seconds, cpu = batches(file), 0.0, 0.0
        while ready := deque(islice(source, BATCHES_READY)):
            began, cpu_began = time.perf_counter(), time.process_time()
            while ready:
                pipeline.handle(ready.popleft(), {place: epoch})
            pipeline.drain()
            seconds, cpu = seconds + time.perf_counter() - began, cpu + time.process_time() - cpu_began
        totals = control_totals(ledger.connection)
        assert totals.are_complete() and totals.parked == 0 and totals.messages_read == pipeline.totals.read
        rows = _rows(ledger.connection)
    return {
        "events": totals.messages_read,
        "duplicates": totals.duplicates,
        "rows": rows,
        "events_per_s": round(totals.messages_read / seconds),
        "rows_per_s": round(rows / seconds),
        "cpu_us_per_event": round(cpu / totals.messages_read * 1e6, 1),
    }


def ingest_unjudged(url: str, file: Path) -> dict[str, Any]:
    """The same work without the rules of plausibility: what they cost is the difference."""
    with patch("ledger.session.consequences.judge", new=lambda *_: []):
        return ingest(url, file)


def batches(file: Path) -> Iterator[list[Record]]:
    """The records of the file, as many at a time as a batch may have, in the shape that a poll gives them."""
    with file.open("rb") as source:
        while length := source.read(LENGTH.size):
            yield _decode(source.read(*LENGTH.unpack(length)))


def write_messages(file: Path, sessions: int) -> None:
    """Records in blocks of a batch each, so that reading them costs little of what is measured."""
    messages = iter(benchmark_messages(sessions, SEED))
    records = (Record(TOPIC, 0, offset, m.key.encode(), m.value) for offset, m in enumerate(messages))
    with file.open("wb") as out:
        while batch := list(islice(records, BATCH_MESSAGES_MAX)):
            block = _encode(batch)
            out.write(LENGTH.pack(len(block)))
            out.write(block)


def _rows(connection: psycopg.Connection[Any]) -> int:
    query = "SELECT (SELECT count(*) FROM ledger.session_events) + (SELECT count(*) FROM ledger.billing_events)"
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def _copy_rate(url: str, file: Path) -> float:
    """Rows per second of binary COPY of the stored rows into a table with the same indexes, one transaction."""
    with psycopg.connect(url, autocommit=True) as connection:
        if not file.exists():
            _dump(connection, file)
        connection.execute("DROP TABLE IF EXISTS ledger.copied")
        connection.execute("CREATE TABLE ledger.copied (LIKE ledger.session_events INCLUDING ALL)")
        began = time.perf_counter()
        with connection.cursor() as cursor, file.open("rb") as source:
            with cursor.copy("COPY ledger.copied FROM STDIN (FORMAT binary)") as copy:
                while block := source.read(COPY_BLOCK_BYTES):
                    copy.write(block)
            rows = cursor.rowcount
        return rows / (time.perf_counter() - began)


def _dump(connection: psycopg.Connection[Any], file: Path) -> None:
    query = "COPY (SELECT * FROM ledger.session_events ORDER BY notification_id) TO STDOUT (FORMAT binary)"
    with connection.cursor().copy(query) as copy, file.open("wb") as out:
        for block in copy:
            out.write(block)


class NaiveSession(Aggregate):
    """A session in the library's declarative style."""

    @event("Started")
    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.readings = 0

    @staticmethod
    def create_id(session_id: str) -> Any:
        return uuid5(NAMESPACE_URL, session_id)

    @event("MeterRecorded")
    def record(self, message: str) -> None:
        self.last, self.readings = message, self.readings + 1


def _naive_rate(url: str, file: Path) -> float:
    """Messages per second of load, trigger, save: one transaction for each message, the stock recorder."""
    given = conninfo_to_dict(url)
    environment = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(given["dbname"]),
        "POSTGRES_HOST": str(given["host"]),
        "POSTGRES_PORT": str(given.get("port", "5432")),
        "POSTGRES_USER": str(given["user"]),
        "POSTGRES_PASSWORD": "unused: the socket lets in by peer",
        "AGGREGATE_CACHE_MAXSIZE": "1000",
        "AGGREGATE_CACHE_FASTFORWARD": "n",
    }
    application: Application[UUID] = Application(env=environment)
    try:
        return _save_one_by_one(application, file)
    finally:
        application.close()


def _save_one_by_one(application: "Application[Any]", file: Path) -> float:
    known: dict[str, Any] = {}
    began, count = time.perf_counter(), 0
    for record in chain.from_iterable(batches(file)):
        key, value = (record.key or b"").decode(), (record.value or b"").decode()
        session = application.repository.get(known[key]) if key in known else NaiveSession(key)
        if key in known:
            session.record(value)
        known[key] = session.id
        application.save(session)
        count += 1
        if count == NAIVE_MESSAGES:
            break
    return count / (time.perf_counter() - began)
