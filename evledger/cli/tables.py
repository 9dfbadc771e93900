"""What people see: tables that keep ids and numbers whole."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from evledger.cli.output import print_json

# Rows laid out together: a list of any length begins at once and takes the same memory.
PAGE_ROWS = 500

RIGHT = frozenset({
    "line", "quantity", "billed_quantity", "unit_price", "vat_percent", "net", "vat", "gross", "excl_vat", "incl_vat",
    "balance", "prepaid", "difference", "parked_id", "tariff_version", "today_tariff_version", "sessions", "jumps",
    "falls", "alarms", "read", "appended", "duplicates", "parked", "discarded", "ended", "billed", "pending",
    "waived", "free", "unexplained", "partition", "offset",
})  # fmt: skip
RIGHT_UNIT = "_kwh"

# What the names of fields leave out.
TITLES = {
    "started_at": "started (UTC)", "ended_at": "ended (UTC)", "parked_at": "parked (UTC)", "energy_kwh": "kWh",
    "vat_percent": "VAT %", "vat": "VAT", "excl_vat": "excl. VAT", "incl_vat": "incl. VAT", "session_id": "session",
    "account_id": "account", "invoice_number": "invoice", "parked_id": "id",
    "began_at": "from (UTC)", "movement_kwh": "moved kWh", "sessions_kwh": "in sessions", "jumps_kwh": "up",
    "unattributed_kwh": "unattributed", "falls_kwh": "down", "limit_kwh": "alarm above kWh",
    "session_kwh": "in session", "meter_id": "meter",
    "first_register_kwh": "first register", "last_register_kwh": "last register",
    "today_tariff_id": "today", "today_tariff_version": "version today",
}  # fmt: skip

# Free texts, which may fold; everything else is read as a whole.
FOLDED = frozenset({"reason", "description", "because"})

# Wider than any row: the fields that do not fold have at most 255 characters.
WIDTH_MAX = 10_000

Row = Mapping[str, Any]


class Screen(Console):
    """Standard output for people. What comes from messages is shown as it is: no mark-up, no control characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def on_broken_pipe(self) -> None:
        """Whoever read has gone, as `head` does; the program ends as for any other output."""
        raise BrokenPipeError


console = Screen()


def print_rows(
    rows: Iterable[Row], columns: Sequence[str], as_json: bool, title: str, spare: Sequence[str] = ()
) -> None:
    """Rows as JSON Lines, or as a table of some of their columns.

    `spare`: columns that a narrow terminal does without, the first of them first.
    """
    if as_json:
        for row in rows:
            print_json(row)
        return
    pages = _pages(rows)
    first = next(pages, [])
    if not first:
        click.echo(f"{title}: none")
        return
    shown_columns, widths = _fitting(first, list(columns), spare), dict[str, int]()
    for page in chain([first], pages):
        widths = _widths(page, shown_columns, widths)
        _print_page(rows_table(page, shown_columns, title if page is first else None, widths))


def print_projected(
    rows: Iterator[Row], columns: Sequence[str], as_json: bool, title: str, spare: Sequence[str] = ()
) -> None:
    """Rows of the tables, as `print_rows` prints them; where there are none, they may not have come there yet."""
    first = next(rows, None)
    if first is None and not as_json:
        click.echo(f"{title}: none in the tables; `evledger project --once` brings them up to date")
    else:
        print_rows(chain(filter(None, [first]), rows), columns, as_json, title, spare)


def print_fields(fields: Mapping[str, Any], as_json: bool, title: str) -> None:
    """One thing: a JSON document, or its fields line by line."""
    if as_json:
        print_json(fields)
    else:
        console.print(fields_table(fields, title))


def fields_table(fields: Mapping[str, Any], title: str) -> Table:
    """Names and values; numbers stand under each other."""
    is_figures = all(isinstance(value, int | None) for value in fields.values())
    table = Table(title=title, title_justify="left", title_style="bold", show_header=False, box=box.ROUNDED)
    table.add_column(no_wrap=True)
    table.add_column(justify="right" if is_figures else "left", overflow="fold")
    for name, value in fields.items():
        table.add_row(titled(name), shown(value))
    return table


def rows_table(
    rows: Iterable[Row], columns: Sequence[str], title: str | None, widths: Mapping[str, int] | None = None
) -> Table:
    """Rows under the titles of their columns; without a title of its own it goes on with the table before."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        show_header=title is not None,
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    for column in columns:
        folds = column in FOLDED
        table.add_column(
            titled(column),
            justify="right" if column in RIGHT or column.endswith(RIGHT_UNIT) else "left",
            no_wrap=not folds,
            min_width=None if folds or widths is None else widths[column],
            overflow="fold" if folds else "crop",
        )
    for row in rows:
        table.add_row(*(_cell(column, row.get(column)) for column in columns))
    return table


def titled(name: str) -> str:
    """A field's name as people read it."""
    return TITLES.get(name, name.replace("_", " "))


def shown(value: Any) -> str:
    """A value as people read it; characters that a terminal would obey are written out."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value))
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in str(value))


def _cell(column: str, value: Any) -> str:
    text = shown(value)
    return text[:16].replace("T", " ") if column.endswith("_at") else text


def _pages(rows: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while page := list(islice(iterator, PAGE_ROWS)):
        yield page


def _fitting(page: Sequence[Row], columns: list[str], spare: Sequence[str]) -> list[str]:
    """The columns that the terminal has room for; all of them where the output is a file or a pipe."""
    if not console.is_terminal:
        return columns
    for name in spare:
        if _least_width(rows_table(page, columns, "", _widths(page, columns, {}))) <= console.width:
            break
        columns = [column for column in columns if column != name]
    return columns


def _widths(page: Sequence[Row], columns: Sequence[str], at_least: Mapping[str, int]) -> dict[str, int]:
    """As wide as on the pages before, or wider: columns stand under each other."""
    return {
        column: max(at_least.get(column, len(titled(column))), *(len(_cell(column, row.get(column))) for row in page))
        for column in columns
    }


def _print_page(table: Table) -> None:
    """On a terminal that is too narrow the lines run over, rather than ids being cut."""
    measured = Measurement.get(console, console.options.update(max_width=WIDTH_MAX), table)
    width = max(console.width, measured.minimum) if console.is_terminal else measured.maximum
    Screen(width=width).print(table)


def _least_width(table: Table) -> int:
    return Measurement.get(console, console.options.update(max_width=WIDTH_MAX), table).minimum
