import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from evledger.simulator import Message, messages, to_lines
from evledger.simulator.command import Produce, simulate_command
from evledger.simulator.outfile import OutputError, write_lines


def _run(*arguments: object, produce: Produce | None = None) -> Result:
    return CliRunner().invoke(simulate_command(produce), [str(each) for each in arguments])


def test_writes_the_messages_as_json_lines(tmp_path: Path) -> None:
    out = tmp_path / "m.jsonl"
    result = _run("--sessions", 4, "--seed", 9, "--faults", "--out", out)
    assert result.exit_code == 0
    assert out.read_bytes() == "".join(to_lines(messages(4, 9, faults=True))).encode()


def test_without_out_the_lines_go_to_standard_output_and_nothing_else_does() -> None:
    result = _run("--sessions", 2, "--seed", 9, "--json")
    assert [json.loads(line)["topic"] for line in result.stdout.splitlines()]
    assert result.stdout == "".join(to_lines(messages(2, 9)))


def test_figures_as_json(tmp_path: Path) -> None:
    out = tmp_path / "m.jsonl"
    figures = json.loads(_run("--sessions", 3, "--seed", 1, "--out", out, "--json").stdout)
    assert figures == {"sessions": 3, "messages": len(out.read_text().splitlines()), "out": str(out)}


def test_kafka_hands_the_messages_to_the_producer() -> None:
    sent: list[Message] = []

    def produce(of_sessions: Iterable[Message]) -> int:
        sent.extend(of_sessions)
        return len(sent)

    result = _run("--sessions", 2, "--seed", 5, "--kafka", produce=produce)
    assert result.exit_code == 0
    assert sent == list(messages(2, 5))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--kafka",), "needs a broker"),
        (("--kafka", "--out", "x.jsonl"), "exclude each other"),
        (("--out", "/no/such/folder/x.jsonl"), "/no/such/folder/x.jsonl cannot be written"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: tuple[str, ...], told: str) -> None:
    result = _run("--sessions", 2, "--seed", 5, *arguments)
    assert result.exit_code == 2
    assert told in result.output and len(result.output.splitlines()) == 1


@pytest.mark.parametrize("sessions", ["0", "-3", "many", "10000001"])
def test_a_number_of_sessions_out_of_range_is_refused(sessions: str) -> None:
    assert _run("--sessions", sessions, "--seed", 1).exit_code == 2


def test_a_failure_leaves_the_old_file_and_no_part_of_a_new_one(tmp_path: Path) -> None:
    out = tmp_path / "m.jsonl"
    out.write_text("old")

    def lines() -> Iterable[str]:
        yield "new\n"
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space left on device"):
        write_lines(lines(), out)
    assert [path.name for path in tmp_path.iterdir()] == ["m.jsonl"]
    assert out.read_text() == "old"


def test_a_device_is_written_to_and_not_replaced() -> None:
    assert write_lines(["a\n", "b\n"], Path("/dev/null")) == 2
    assert not Path("/dev/null").is_file()
