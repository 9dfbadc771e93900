"""What the guides say is so: settings, codes, views, messages, commands, links."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consumers.messages.account import AccountDefaults
from consumers.messages.kinds import kinds_of
from consumers.messages.reader import MessageReader
from evledger.cli import program
from evledger.migrate import known_migrations
from evledger.settings import Settings
from ledger.intake.message import Message, Record
from ledger.session import decide
from ledger.session.plausibility.rules import POLICIES
from projections.outbox.schemas import MESSAGES
from tests.architecture.source import PACKAGES, ROOT

DOCS = ROOT / "docs"
DEFAULTS = AccountDefaults(legal_entity="EVL", time_zone="UTC")

CODE = re.compile(r"[A-Z]{2,}(_[A-Z]+)+")
VIEW = re.compile(r"CREATE VIEW finance\.(\w+)")
COMMAND = re.compile(r"(?<![\w./-])evledger ([a-z][a-z-]+)")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
JSON_BLOCK = re.compile(r"```json\n(.*?)```", re.DOTALL)


def pages() -> list[Path]:
    """Everything that people read."""
    rooms = [page for name in (*PACKAGES, "benchmarks") for page in sorted((ROOT / name).rglob("README.md"))]
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md")), *rooms]


def guide(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def cells(page: str, first: str) -> list[str]:
    """The cells of the one table row that begins with `first`."""
    (row,) = (line for line in page.splitlines() if line.startswith(f"| {first} |"))
    return [cell.strip() for cell in row.strip("|").split("|")]


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_stands_in_the_operators_guide_with_its_default(name: str) -> None:
    default = Settings.model_fields[name].default
    shown = "none" if default is None else str(default)
    assert cells(guide("operator.md"), f"`EVLEDGER_{name.upper()}`")[1].strip("`") == shown


def hold_codes() -> list[str]:
    named = [value for value in vars(decide).values() if isinstance(value, str) and CODE.fullmatch(value)]
    return [*named, *(code for code, policy in POLICIES.items() if policy == "hold")]


@pytest.mark.parametrize("code", hold_codes())
def test_every_hold_code_is_explained(code: str) -> None:
    assert cells(guide("operator.md"), f"`{code}`")[1:]


def test_the_codes_are_found() -> None:
    assert len(hold_codes()) == len(set(hold_codes())) >= 6


def test_every_finance_view_is_in_its_guide_and_no_other() -> None:
    views = {name for migration in known_migrations() for name in VIEW.findall(migration.sql)}
    named = re.findall(r"^\| `(\w+)` \|", guide("finance.md"), re.MULTILINE)
    assert sorted(named) == sorted(views)


def blocks(prefix: str) -> list[dict[str, Any]]:
    found: Iterator[dict[str, Any]] = (json.loads(block) for block in JSON_BLOCK.findall(guide("integrator.md")))
    return [message for message in found if message["type"].startswith(prefix)]


def test_the_examples_of_messages_in_are_read() -> None:
    reader = MessageReader(DEFAULTS)
    examples = blocks("ev.")
    for number, example in enumerate(examples):
        record = Record("file:example", 0, number, example["subject"].encode(), json.dumps(example).encode())
        assert isinstance(reader.read(record), Message), example["type"]
    shown = {example["type"] for example in examples}
    assert {kind.type for kind in kinds_of(DEFAULTS)} - shown == {"ev.account.changed.v1"}  # as `opened`


def test_the_examples_of_messages_out_fit_their_models() -> None:
    examples = blocks("billing.")
    for example in examples:
        MESSAGES[example["type"]].model_validate_json(json.dumps(example))
    assert {example["type"] for example in examples} == MESSAGES.keys() - {
        "billing.session.held.v1",
        "billing.session.released.v1",
    }


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_on_a_page_exist(page: Path) -> None:
    code = re.findall(r"`[^`\n]+`|^```.*?^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    named = {name for text in code for name in COMMAND.findall(text)}
    assert named - program.commands.keys() == set()


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_on_a_page_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
