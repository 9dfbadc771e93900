"""What people see: ids are whole on any terminal, and nothing that comes from messages is obeyed."""

from io import StringIO
from typing import Any

import pytest

from evledger.cli import tables
from evledger.cli.tables import Screen, print_fields, print_rows

IDS = ["NL-ABC-2026-000001", "a-session-id-of-sixty-characters-which-some-backends-really-do"]
ROWS: list[dict[str, Any]] = [
    {"session_id": name, "account_id": "ACC-1", "started_at": "2026-10-01T07:09:39Z", "energy_kwh": "36.036",
     "incl_vat": "5.00", "invoice_number": "ABC-NL-2026-000017"}
    for name in IDS
]  # fmt: skip
COLUMNS = ("session_id", "account_id", "started_at", "energy_kwh", "incl_vat", "invoice_number")


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the terminal as wide as told."""

    def of_width(width: int) -> None:
        monkeypatch.setattr(tables, "console", Screen(force_terminal=True, width=width))

    return of_width


@pytest.mark.parametrize("width", [20, 80, 200])
def test_ids_and_numbers_are_whole_on_any_terminal(screen: Any, width: int, capsys: pytest.CaptureFixture[str]) -> None:
    screen(width)
    print_rows(ROWS, COLUMNS, False, "Sessions", ("account_id", "started_at"))
    shown = capsys.readouterr().out
    assert all(name in shown for name in [*IDS, "ABC-NL-2026-000017", "36.036"])


def test_a_narrow_terminal_does_without_the_spare_columns(screen: Any, capsys: pytest.CaptureFixture[str]) -> None:
    screen(125)
    print_rows(ROWS, COLUMNS, False, "Sessions", ("account_id", "started_at"))
    shown = capsys.readouterr().out
    assert "ACC-1" not in shown
    assert "2026-10-01 07:09" in shown
    assert max(map(len, shown.splitlines())) <= 125


def test_a_pipe_gets_every_column(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "console", Screen(width=20, file=StringIO()))
    print_rows(ROWS, COLUMNS, False, "Sessions", ("account_id", "started_at"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].split() == [IDS[1], "ACC-1", "2026-10-01", "07:09", "36.036", "5.00", "ABC-NL-2026-000017"]


def test_amounts_stand_under_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"gross": "5.00", "currency": "EUR"}, {"gross": "12345.67", "currency": "EUR"}]
    print_rows(rows, ("gross", "currency"), False, "Invoices")
    small, large = capsys.readouterr().out.splitlines()[-2:]
    assert small.index("EUR") == large.index("EUR")
    assert small.index("5.00") + len("5.00") == large.index("12345.67") + len("12345.67")


def test_columns_of_a_long_list_keep_their_place(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"session_id": f"S-{number}", "status": "RATED"} for number in range(tables.PAGE_ROWS + 1)]
    print_rows(rows, ("session_id", "status"), False, "Sessions")
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].index("RATED") == lines[-2].index("RATED")
    assert len([line for line in lines if "RATED" in line]) == len(rows)


@pytest.mark.parametrize("name", ["[red]", "[/]", ":smile:", "[link=x]"])
def test_mark_up_in_an_id_is_shown_and_not_obeyed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([{"session_id": name}], ("session_id",), False, name)
    print_fields({"session_id": name}, False, name)
    assert capsys.readouterr().out.count(name) == 4


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields({"value": "a\x1b[2Jb\x07\x9b"}, False, "Parked")
    shown = capsys.readouterr().out
    assert r"a\x1b[2Jb\x07\x9b" in shown
    assert not {"\x1b", "\x07", "\x9b"} & set(shown)


def test_an_empty_list_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([], ("session_id",), False, "Held sessions")
    assert capsys.readouterr().out == "Held sessions: none\n"


def test_an_empty_list_is_no_line_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([], ("session_id",), True, "Held sessions")
    assert capsys.readouterr().out == ""
