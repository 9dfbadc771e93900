"""`evledger tick`."""

from datetime import datetime

import click

from consumers.ticks import Ticker
from evledger.cli.billing import InstantType
from evledger.cli.output import as_json_option
from evledger.cli.tables import print_fields
from evledger.examples import example
from evledger.settings import load_settings
from evledger.wiring import open_ledger


@click.command(short_help="Do what an instant makes due.", epilog=example("evledger tick --at 2026-11-05T00:00:00Z"))
@click.option("--at", type=InstantType(), required=True, help="The instant; no clock is asked.")
@as_json_option
def tick(at: datetime, as_json: bool) -> None:
    """Close sessions whose end never came, and end waiting times, as far as the instant is past them."""
    settings = load_settings()
    with open_ledger(settings) as ledger:
        ticked = Ticker(ledger, settings.rules).tick(at)
    print_fields(ticked._asdict(), as_json, "Sessions")
