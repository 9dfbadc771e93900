"""What people and machines see: tables and progress for one, JSON alone on standard output for the other."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

as_json_option = click.option("--json", "as_json", is_flag=True, help="For machines: JSON on standard output.")
tenant_option = click.option("--tenant", default="default", show_default=True, help="Whose data.")

console = Console()

Step = Callable[[int, int | None], None]


def print_json(content: Any) -> None:
    """One JSON document on one line."""
    click.echo(json.dumps(content, ensure_ascii=False, default=str))


def print_rows(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], as_json: bool, title: str) -> None:
    """Rows as JSON Lines, or as a table of some of their columns."""
    if as_json:
        for row in rows:
            print_json(row)
        return
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column.replace("_", " "), justify="right" if column.endswith(("_kwh", "_vat")) else "left")
    for row in rows:
        table.add_row(*(_shown(row.get(column)) for column in columns))
    console.print(table)


def print_fields(fields: Mapping[str, Any], as_json: bool, title: str) -> None:
    """One thing: a JSON document, or its fields line by line."""
    if as_json:
        print_json(fields)
        return
    table = Table(title=title, title_justify="left", show_header=False)
    for name, value in fields.items():
        table.add_row(name.replace("_", " "), _shown(value))
    console.print(table)


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


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)
