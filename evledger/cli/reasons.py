"""The reason that a person gives: one line, recorded with a name."""

import click

from evledger.cli.errors import UnusableError

# As free texts in messages: one line that a person reads.
REASON_LENGTH_MAX = 1_000

reason_option = click.option("--reason", required=True, help="Why: it is recorded with your name.")


def one_line(reason: str) -> str:
    """The reason as it is recorded. Raises UnusableError."""
    if not reason.strip() or len(reason) > REASON_LENGTH_MAX or not reason.isprintable():
        raise UnusableError(f"--reason: write one line of at most {REASON_LENGTH_MAX} characters")
    return reason.strip()
