"""`evledger ocmf verify`."""

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import click

from evledger.cli.errors import NoError, UnusableError
from evledger.cli.output import as_json_option, print_json, tenant_option
from evledger.examples import example
from evledger.settings import load_settings
from evledger.stored_records import VerifiedRecord, verified_records
from evledger.wiring import database_url
from ledger.meter.ocmf.contents import Reading
from ledger.meter.ocmf.parse import records_in
from ledger.meter.ocmf.record import Record
from ledger.meter.ocmf.verify import Keys, Verdict, verify_text
from ledger.store.connection import connect
from ledger.values.canonical import decimal_text
from ledger.values.time import from_instant

# Records of a year of a large site; more in one file is something else.
FILE_BYTES_MAX: Final = 256 * 1024 * 1024


@click.group(short_help="Signed meter readings.", epilog=example("evledger ocmf verify records.txt --public-key 3059…"))
def ocmf() -> None:
    """Signed meter readings in the Open Charge Metering Format."""


@ocmf.command(
    short_help="Whether signed readings verify.",
    epilog=example(
        "evledger ocmf verify records.txt --public-key 3059301306072A8648CE3D0201…",
        'evledger ocmf verify records.txt --public-key "$(cat meter.pem)" --json',
        "evledger ocmf verify --session DE-ABC-2026-000034",
    ),
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option(
    "--public-key",
    metavar="KEY",
    help="Key of the meter: SubjectPublicKeyInfo or raw point, in hex, base64 or PEM.",
)
@click.option("--session", "session_id", metavar="ID", help="In place of a file: what is stored of this session.")
@tenant_option
@as_json_option
def verify(file: Path | None, public_key: str | None, session_id: str | None, tenant: str, as_json: bool) -> None:
    """The verdict on each OCMF record in a file, one line each; a record begins at OCMF|.

    With --session the records are those of the ledger, byte for byte as they came, and the keys those of the meter.

    valid: signed with the key. invalid: not so. no_key: none was given, or it cannot be read. unsupported: the
    record names an algorithm that OCMF does not have. On a terminal the lines are for people, else JSON.

    Exit code 0 if all are valid, 1 if not, 2 where there is no record.
    """
    if (file is None) == (session_id is None) or (session_id and public_key):
        raise UnusableError("give a file, with the key of its meter, or --session and nothing else")
    if session_id is not None:
        _verify(f"session {session_id}", _stored(tenant, session_id), as_json)
    elif file is not None:
        keys = Keys(registered=(public_key,) if public_key is not None else ())
        texts = enumerate(records_in(_read(file)), 1)
        _verify(str(file), ((f"record {number}", *verify_text(text, keys)) for number, text in texts), as_json)


def _verify(source: str, verified: Iterable[tuple[str, Verdict, Record | None]], as_json: bool) -> None:
    for_people = is_for_people(as_json)
    outcomes: Counter[str] = Counter()
    for name, verdict, record in verified:
        outcomes[verdict.outcome] += 1
        if for_people:
            click.echo(f"{name}: {_line(verdict, record)}")
        else:
            print_json(_as_json(verdict, record))
    _conclude(source, outcomes)


def _stored(tenant: str, session_id: str) -> list[VerifiedRecord]:
    with connect(database_url(load_settings()), "auditor") as connection:
        try:
            return list(verified_records(connection, tenant, session_id))
        except LookupError as error:
            raise NoError(str(error)) from None


def is_for_people(as_json: bool) -> bool:
    """Lines for a person only where one looks: the contract of this command is a JSON document a record."""
    return sys.stdout.isatty() and not as_json


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            raise UnusableError(f"{file}: is larger than {FILE_BYTES_MAX} bytes: give it in parts")
        return file.read_bytes()
    except OSError as error:
        raise UnusableError(f"{file}: {error.strerror}") from None


def _conclude(source: str, outcomes: Counter[str]) -> None:
    if not outcomes:
        raise UnusableError(f"{source}: holds no OCMF record: one begins at OCMF|")
    count, others = outcomes.total(), {name: count for name, count in sorted(outcomes.items()) if name != "valid"}
    if others:
        listed = ", ".join(f"{count} {name}" for name, count in others.items())
        raise NoError(f"{source}: {sum(others.values())} of {count} records are not valid: {listed}")


def _as_json(verdict: Verdict, record: Record | None) -> dict[str, Any]:
    return {
        "verdict": verdict.outcome,
        "algorithm": verdict.method,
        "meter_serial": record and record.meter_serial,
        "pagination": record and record.pagination and str(record.pagination),
        "readings": [_reading_json(reading) for reading in record.readings] if record else [],
        "reason": verdict.reason,
        "key_id": verdict.key_id,
        "key_source": verdict.key_source,
    }


def _reading_json(reading: Reading) -> dict[str, Any]:
    return {
        "time": reading.taken_at,
        "time_status": reading.time_status,
        "transaction": reading.transaction,
        "identification": reading.identification,
        "value": reading.value,
        "unit": reading.unit,
        "status": reading.status,
        "error_flags": reading.error_flags,
    }


def _line(verdict: Verdict, record: Record | None) -> str:
    if record is None:
        return f"{verdict.outcome}: {verdict.reason}"
    meter = f"meter {record.meter_serial or 'unknown'}, {record.pagination or 'no page'}, {verdict.method}"
    line = "; ".join([f"{verdict.outcome}: {verdict.reason}", meter, *map(_reading_line, record.readings)])
    return line if line.isprintable() else ascii(line)[1:-1]


def _reading_line(reading: Reading) -> str:
    when = from_instant(reading.taken_at) if reading.taken_at else "unknown time"
    value = "no value" if reading.value is None else f"{decimal_text(reading.value)} {reading.unit or ''}".rstrip()
    return f"{reading.transaction or '-'} {when} {value}"
