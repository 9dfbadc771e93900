import json
from collections.abc import Iterable
from pathlib import Path

from click.testing import CliRunner, Result

from evledger.importer import import_file
from evledger.importer.command import Ingest, import_command
from evledger.importer.importing import MADE_UP
from evledger.simulator import to_lines
from tests.unit.importer.files import GOOD, row, write_csv, write_map


def _run(*arguments: object, ingest: Ingest | None = None) -> Result:
    return CliRunner().invoke(import_command(ingest), [str(each) for each in arguments])


def test_writes_the_messages_and_reports_every_refused_row(tmp_path: Path) -> None:
    file, map_path, out = write_csv(tmp_path, GOOD, row(Id="2", End="")), write_map(tmp_path), tmp_path / "m.jsonl"
    result = _run(file, "--map", map_path, "--out", out)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "line 3: missing_end: End is empty",
        "2 rows, 1 used, 1 refused",
        "         1 missing_end",
        "4 messages",
        MADE_UP,
    ]
    assert out.read_text() == "".join(to_lines(import_file(file, map_path).messages))


def test_json_is_one_document(tmp_path: Path) -> None:
    file = write_csv(tmp_path, GOOD, row(Id="2", End=""), row(Id="3", kWh="-1"))
    result = _run(file, "--map", write_map(tmp_path), "--out", tmp_path / "m.jsonl", "--json")
    assert json.loads(result.stdout) == {
        **{"rows": 3, "used": 1, "refused": {"missing_end": 1, "negative_energy": 1}, "noted": {}, "notes": []},
        "lines": [
            {"line": 3, "reason": "missing_end", "detail": "End is empty"},
            {"line": 4, "reason": "negative_energy", "detail": "kWh is -1"},
        ],
        **{"made_up": MADE_UP, "messages": 4},
    }


def test_without_out_the_lines_are_ingested(tmp_path: Path) -> None:
    taken: list[str] = []

    def ingest(lines: Iterable[str]) -> dict[str, int]:
        taken.extend(lines)
        return {"read": len(taken), "appended": len(taken)}

    file, map_path = write_csv(tmp_path, GOOD), write_map(tmp_path)
    result = _run(file, "--map", map_path, "--json", ingest=ingest)
    assert taken == list(to_lines(import_file(file, map_path).messages))
    assert json.loads(result.stdout)["appended"] == 4


def test_wrong_usage_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    file, map_path = write_csv(tmp_path, GOOD), write_map(tmp_path)
    for arguments in (
        (file, "--map", tmp_path / "none.toml", "--out", tmp_path / "x"),
        (tmp_path / "none.csv", "--map", map_path, "--out", tmp_path / "x"),
        (file, "--map", map_path, "--out", tmp_path / "no" / "x"),
        (file, "--map", map_path),
    ):
        result = _run(*arguments)
        assert result.exit_code == 2
        assert len(result.output.splitlines()) == 1
        assert not (tmp_path / "x").exists()
