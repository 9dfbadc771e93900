"""`evledger held`: sessions that may not be billed, and what a person does about them."""

import re
from datetime import UTC, datetime
from typing import Any

import click

from evledger import listing
from evledger.cli.errors import NoError, UnusableError
from evledger.cli.output import as_json_option, print_json, tenant_option
from evledger.cli.reading import finance
from evledger.cli.reasons import one_line, reason_option
from evledger.cli.tables import print_fields, print_projected, print_rows
from evledger.examples import example
from evledger.held_sessions import held_session
from evledger.settings import load_settings
from evledger.wiring import database_url, open_ledger
from ledger.application import Ledger
from ledger.desk import Desk
from ledger.intake.subject import SubjectKey
from ledger.session.release import Order, Substitute
from ledger.session.state import Session
from ledger.store.connection import connect, logged_in
from ledger.values.energy import from_milliwh, to_milliwh
from ledger.values.money import minor_to_text
from ledger.values.refusal import RefusedError

# A quantity as in messages.
KWH = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")


@click.group(epilog=example("evledger held list", "evledger held show NL-ABC-2026-000001"))
def held() -> None:
    """Sessions that may not be billed, with their reasons."""


@held.command("list", epilog=example("evledger held list"))
@tenant_option
@as_json_option
def list_held(tenant: str, as_json: bool) -> None:
    """Held sessions, as far as they are projected."""
    with finance() as connection:
        rows = (row for row in listing.sessions(connection, tenant) if row["status"] == "HELD")
        columns = ("session_id", "held", "account_id", "started_at", "energy_kwh", "incl_vat", "currency")
        print_projected(rows, columns, as_json, "Held sessions", ("currency", "account_id", "started_at"))


@held.command("show", epilog=example("evledger held show NL-ABC-2026-000001"))
@click.argument("session_id")
@tenant_option
@as_json_option
def show_held(session_id: str, tenant: str, as_json: bool) -> None:
    """Why one session is held: reasons, readings, and what was done about it."""
    with connect(database_url(load_settings()), "auditor") as connection:
        found = held_session(connection, tenant, session_id)
    if found is None:
        raise NoError(f"session {session_id} was never held: `evledger held list` shows those that are")
    if as_json:
        print_json({**found, "held": sorted({reason["code"] for reason in found["reasons"]})})
        return
    print_rows(found["reasons"], ("code", "because", "found"), False, f"{session_id}: {found['status']}")
    print_rows(found["readings"], ("reading", "at", "register_kwh", "substituted_kwh"), False, "Readings")
    if found["history"]:
        print_rows(found["history"], ("what", "at", "actor", "because"), False, "Done")


@held.command(
    "release",
    short_help="Let a held session be billed.",
    epilog=example(
        'evledger held release NL-ABC-2026-000001 --reason "display read on site"',
        'evledger held release NL-ABC-2026-000001 --reason "display" --substitute 01JD0001=1234.500',
    ),
)
@click.argument("session_id")
@reason_option
@click.option("--substitute", "substitutes", multiple=True, help="READING=KWH, a register that counts instead.")
@tenant_option
@as_json_option
def release(session_id: str, reason: str, substitutes: tuple[str, ...], tenant: str, as_json: bool) -> None:
    """Let a held session be billed, with other registers where some were wrong; exit 1 when that is refused."""
    because, registers = one_line(reason), [_substitute(text) for text in substitutes]
    settings = load_settings()
    with open_ledger(settings) as ledger:
        desk, order = Desk(ledger, settings.rules), _order(ledger, because)
        try:
            key = SubjectKey("session", tenant, session_id)
            session = desk.release(key, order, registers, settings.operator_amount_max)
        except RefusedError as refusal:
            raise NoError(str(refusal)) from None
    print_fields(_outcome(session), as_json, f"{session_id}")


@held.command("waive", epilog=example('evledger held waive NL-ABC-2026-000001 --reason "goodwill"'))
@click.argument("session_id")
@reason_option
@tenant_option
@as_json_option
def waive(session_id: str, reason: str, tenant: str, as_json: bool) -> None:
    """Never bill a held session; exit 1 when that is refused."""
    because = one_line(reason)
    settings = load_settings()
    with open_ledger(settings) as ledger:
        desk, order = Desk(ledger, settings.rules), _order(ledger, because)
        try:
            session = desk.waive(SubjectKey("session", tenant, session_id), order, settings.operator_amount_max)
        except RefusedError as refusal:
            raise NoError(str(refusal)) from None
    print_fields(_outcome(session), as_json, f"{session_id}")


def _order(ledger: Ledger, because: str) -> Order:
    """In the name of whoever connected; who was granted the role finance acts as finance."""
    actor, is_finance = logged_in(ledger.connection)
    return Order(actor, "finance" if is_finance else "operator", datetime.now(UTC), because)


def _substitute(text: str) -> Substitute:
    reading, equals, kwh = text.rpartition("=")
    if not equals or not reading or not KWH.fullmatch(kwh):
        raise UnusableError(f"--substitute {text!r}: write READING=KWH, such as 01JD0001=1234.500")
    return Substitute(reading, to_milliwh(kwh))


def _outcome(session: Session) -> dict[str, Any]:
    rated, started = session.rated, session.started
    amounts = (
        {}
        if rated is None
        else {
            "energy_kwh": from_milliwh(rated.energy_milliwh),
            "amount": minor_to_text(rated.amount_minor, rated.currency),
            "currency": rated.currency,
            "revision": rated.revision,
        }
    )
    status = "WAIVED" if session.is_waived else "HELD" if session.held else "RELEASED"
    held_codes = sorted({reason.code for reason in session.held}) if not session.is_waived else []
    return {"session_id": started and started.session_id, "status": status, "held": held_codes, **amounts}
