"""`evledger bill`."""

import re
from datetime import UTC, datetime
from threading import Event
from typing import NamedTuple

import click

from consumers.session_log import Biller
from evledger.cli.errors import UnusableError
from evledger.cli.output import as_json_option, progress, say, tenant_option
from evledger.cli.stopping import stop_on_signals
from evledger.cli.tables import print_fields
from evledger.examples import example
from evledger.services import bill as bill_service
from evledger.services import through_outages
from evledger.settings import load_settings
from evledger.wiring import open_ledger
from ledger.values.time import to_instant

PERIOD = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


class InstantType(click.ParamType[datetime]):
    """An instant with its offset from UTC."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return to_instant(str(value))
        except ValueError as error:
            self.fail(f"{error}: write it as 2026-11-01T00:00:00Z", param, ctx)


@click.command(
    short_help="Issue invoices.",
    epilog=example("evledger bill", "evledger bill --now 2026-11-01T00:00:00Z", "evledger bill --follow"),
)
@click.option("--period", help="Close only this period, such as 2026-10.")
@click.option("--account", "account_id", help="Close only this account's periods.")
@click.option("--now", type=InstantType(), help="The instant of issue; default: the clock.")
@click.option("--follow", is_flag=True, help="Go on until stopped: PER_SESSION at once, periods once a day.")
@tenant_option
@as_json_option
def bill(  # noqa: PLR0913, PLR0917 - one argument per option
    period: str | None, account_id: str | None, now: datetime | None, follow: bool, tenant: str, as_json: bool
) -> None:
    """Issue invoices: per session as rated sessions are met, per month when a period has ended."""
    if period is not None and not PERIOD.fullmatch(period):
        raise UnusableError(f"--period {period!r} is no month: write it as 2026-10")
    if follow and (now or period or account_id):
        raise UnusableError("--follow takes the clock and all accounts: leave --now, --period and --account out")
    issued = _follow(tenant) if follow else _bill_once(Close(tenant, now or datetime.now(UTC), period, account_id))
    print_fields({"issued": issued}, as_json, "Invoices")


class Close(NamedTuple):
    """Whose periods are closed, and as of when."""

    tenant: str
    now: datetime
    period: str | None
    account_id: str | None


def _bill_once(close: Close) -> int:
    settings = load_settings()
    with open_ledger(settings) as ledger, progress("sessions log") as step:
        biller = Biller(ledger, settings.seller_time_zone)
        followed = biller.follow(lambda: close.now, step)
        corrected = biller.correct(close.tenant, close.now, close.account_id)
        return followed + corrected + biller.close(*close)


def _follow(tenant: str) -> int:
    settings = load_settings()
    stop = Event()
    stop_on_signals(stop)
    say("following the sessions log; Ctrl-C stops")
    return through_outages("biller", lambda stop: bill_service(settings, tenant, stop), stop) or 0
