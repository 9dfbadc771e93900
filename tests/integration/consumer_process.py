"""A consumer in a process of its own, which a test may stop, kill and freeze at a chosen point.

The faults live here: the loop, the pipeline and the store are the real ones and know nothing of them.
"""

import json
import logging
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any, Literal

import msgspec
from kafka import KafkaConsumer
from kafka.structs import MemberState
from psycopg import Cursor, sql

from consumers.kafka_client import BrokerError, KafkaSettings
from consumers.loop import ConsumerLoop, LostRangeError
from consumers.messages.account import AccountDefaults
from consumers.messages.kinds import Family
from consumers.messages.reader import MessageReader
from consumers.pipeline import Pipeline
from consumers.read_ahead import ReadAhead
from ledger.application import Epochs, Ledger, UnavailableError, recorder_of
from ledger.intake.batch import Batch
from ledger.store.positions import FENCE, Progress, TopicChangedError
from ledger.store.recorder import WRITE, Written
from ledger.store.rows import EventRows

SELLER = "ABC-NL"
ENDED_BY_ITSELF = 3

Point = Literal["before the write", "before the commit"]

EPOCH_AND_OFFSET = "AND c.epoch = b.epoch AND c.next_offset <= b.first"


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a test asks of a process. `fault`: the signal it sends to itself at `point`, at its first batch with
    facts about sessions.
    """

    url: str
    bootstrap_servers: str
    owner: str
    group: str
    topics: dict[str, Family]
    session_timeout_ms: int = 3_000
    transaction_timeout_ms: int = 3_000
    batch_messages: int = 500
    point: Point | None = None
    fault: int = signal.SIGSTOP
    fenced: bool = True
    forgets_a_rebalance: bool = False

    def settings(self, security: Mapping[str, object] | None = None) -> KafkaSettings:
        return KafkaSettings(
            bootstrap_servers=self.bootstrap_servers,
            owner=self.owner,
            topics=self.topics,
            session_timeout_ms=self.session_timeout_ms,
            batch_messages=self.batch_messages,
            security=security or {},
        )


def consume(order: Order, stop: threading.Event) -> None:
    """Run the real loop; its totals as JSON on standard output."""
    defaults = AccountDefaults(SELLER, "Europe/Amsterdam")
    reader = MessageReader(defaults, order.topics)
    with (
        Ledger(order.url, transaction_timeout_ms=order.transaction_timeout_ms) as ledger,
        ReadAhead(defaults, order.topics, records_min=1) as ahead,
    ):
        arm(ledger, order)
        with Pipeline(ledger, reader.read, SELLER, order.group, ahead) as pipeline:
            totals = ConsumerLoop(ledger, pipeline, order.settings()).run(stop)
    sys.stdout.write(json.dumps(totals._asdict()) + "\n")


def arm(ledger: Ledger, order: Order) -> None:
    """Build the faults that were ordered into this process's ledger."""
    if not order.fenced:
        take_the_fence_away(ledger)
    if order.point == "before the write":
        freeze_before_the_write(ledger, order.fault)
    elif order.point == "before the commit":
        freeze_before_the_commit(ledger, order.fault)
    if order.forgets_a_rebalance:
        forget_a_rebalance()


def freeze_before_the_write(ledger: Ledger, fault: int) -> None:
    commit, act = ledger.commit, once("before the write", fault)

    def commit_later(batch: Batch, group: str, epochs: Epochs) -> Written:
        if len(batch.sessions):
            act()
        return commit(batch, group, epochs)

    ledger.commit = commit_later  # type: ignore[method-assign]


def freeze_before_the_commit(ledger: Ledger, fault: int) -> None:
    recorder, act = recorder_of(ledger.sessions), once("before the commit", fault)
    write = recorder.write

    def write_and_wait(
        cursor: Cursor[Any], rows: EventRows, group: str = "", progress: Sequence[Progress] = ()
    ) -> Written:
        written = write(cursor, rows, group, progress)
        if len(rows):
            act()
        return written

    recorder.write = write_and_wait  # type: ignore[method-assign]


def once(point: Point, fault: int) -> Any:
    """A function that sends this process the signal, and says where, when it is called for the first time."""
    done = threading.Event()

    def act() -> None:
        if not done.is_set():
            done.set()
            sys.stderr.write(f"{point}\n")
            # To this thread: sent to the process, another one may take it, and this one gets on a little.
            signal.pthread_kill(threading.get_ident(), fault)

    return act


def take_the_fence_away(ledger: Ledger) -> None:
    """Positions move for whoever writes: the canary of every test that relies on the fence."""
    recorder = recorder_of(ledger.sessions)
    assert EPOCH_AND_OFFSET in FENCE
    open_gate = sql.SQL(FENCE.replace(EPOCH_AND_OFFSET, ""))
    table = sql.Identifier("ledger", recorder.events_table_name)
    recorder._write = WRITE.format(fence=open_gate, table=table)


def forget_a_rebalance() -> None:
    """Leave the client as its own fault does: in the middle of a rebalance that nothing finishes, no heartbeats."""
    poll, forgotten = KafkaConsumer.poll, threading.Event()

    def poll_and_forget(self: Any, timeout_ms: int) -> Any:
        if self.assignment() and not forgotten.is_set():
            forgotten.set()
            self._coordinator.state = MemberState.REBALANCING
            self._coordinator._disable_heartbeat()
        return poll(self, timeout_ms)

    KafkaConsumer.poll = poll_and_forget


def main() -> None:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s %(message)s")
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    stop = threading.Event()

    def on_signal(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    try:
        consume(msgspec.json.decode(sys.argv[1], type=Order), stop)
    except (BrokerError, UnavailableError, TopicChangedError, LostRangeError) as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(ENDED_BY_ITSELF)


if __name__ == "__main__":
    main()
