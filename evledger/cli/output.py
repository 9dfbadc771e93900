"""What machines see: JSON alone on standard output. What people see besides tables: progress on their terminal."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ledger.values.time import from_instant

as_json_option = click.option("--json", "as_json", is_flag=True, help="For machines: JSON on standard output.")
tenant_option = click.option("--tenant", default="default", show_default=True, help="Whose data.")

Step = Callable[[int, int | None], None]
Say = Callable[[str], None]


def print_json(content: Any) -> None:
    """One JSON document on one line."""
    click.echo(json.dumps(content, ensure_ascii=False, default=_to_json))


@contextmanager
def progress(what: str) -> Iterator[Step]:
    """A bar on standard error; nothing where that is no terminal. The step takes how far, and of how much."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def say(line: str) -> None:
    """What is going on, for a person who watches; nothing where standard error is no terminal."""
    if sys.stderr.isatty():
        click.echo(f"· {line}", err=True)


def _to_json(value: Any) -> str:
    if isinstance(value, datetime):
        return from_instant(value)
    if isinstance(value, date | Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")
