"""`evledger simulate`: translates the command line, nothing else."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from evledger.examples import example
from evledger.simulator.outfile import DiskFullError, OutputError, write_lines
from evledger.simulator.record import Message, to_lines
from evledger.simulator.simulation import MAX_SESSIONS, messages

# Takes the messages to a broker and returns how many it has confirmed.
Produce = Callable[[Iterable[Message]], int]


class UnusableError(click.ClickException):
    """Wrong usage or unusable input: one line on standard error."""

    exit_code = 2


class UnavailableError(click.ClickException):
    """Something outside that is needed is not to be had: one line on standard error."""

    exit_code = 3


def simulate_command(produce: Produce | None = None) -> click.Command:
    """The command; `produce` is what `--kafka` calls, without it the option says that there is no broker."""

    @click.command(
        "simulate",
        short_help="Write messages of simulated sessions.",
        epilog=example(
            "evledger simulate --sessions 200 --seed 7 --out messages.jsonl",
            "evledger simulate --sessions 200 --seed 7 --faults --kafka",
        ),
    )
    @click.option("--sessions", type=click.IntRange(1, MAX_SESSIONS), required=True, help="How many.")
    @click.option("--seed", type=int, required=True, help="Same seed, same bytes.")
    @click.option("--faults", is_flag=True, help="Damage, double, delay and lose a few messages.")
    @click.option("--spot", is_flag=True, help="Some sites follow spot prices; those of one day come late.")
    @click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Default: standard output.")
    @click.option("--kafka", is_flag=True, help="Send them to the broker of the settings.")
    @click.option("--json", "as_json", is_flag=True, help="The figures as one JSON document.")
    def simulate(  # noqa: PLR0913, PLR0917 - one argument per option
        sessions: int, seed: int, faults: bool, spot: bool, out: Path | None, kafka: bool, as_json: bool
    ) -> None:
        """Write the messages of simulated charging sessions as JSON Lines."""
        if kafka:
            count = _to_broker(produce, messages(sessions, seed, faults, spot), out)
        else:
            count = _to_file(messages(sessions, seed, faults, spot), out)
        if kafka or out:
            _report(sessions, count, "Kafka" if kafka else str(out), as_json)

    return simulate


def _to_file(of_sessions: Iterable[Message], out: Path | None) -> int:
    try:
        return write_lines(to_lines(of_sessions), out)
    except DiskFullError as error:
        raise UnavailableError(str(error)) from None
    except OutputError as error:
        raise UnusableError(str(error)) from None


def _to_broker(produce: Produce | None, of_sessions: Iterable[Message], out: Path | None) -> int:
    if out is not None:
        raise UnusableError("--out and --kafka exclude each other: give one of them")
    if produce is None:
        raise UnusableError("--kafka needs a broker: set EVLEDGER_KAFKA_BOOTSTRAP_SERVERS")
    return produce(of_sessions)


def _report(sessions: int, count: int, target: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"sessions": sessions, "messages": count, "out": target}))
    else:
        click.echo(f"{count:,} messages of {sessions:,} sessions to {target}")


simulate = simulate_command()
