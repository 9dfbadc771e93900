"""Every fact ever released, as its stored bytes: `<topic>.v<version>.json`, never changed once released.

A file of the newest version must come out of its fact byte for byte; an older one must still be read.
"""

import importlib
import pkgutil
from pathlib import Path

import pytest

import ledger
from ledger.store.fact import CLASS_OF, version_of
from ledger.store.serial import decode_fact, encode_fact

# Facts register themselves when their module is imported, so a new one is found wherever it is.
for module in pkgutil.walk_packages(ledger.__path__, "ledger."):
    importlib.import_module(module.name)

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*.json"))
RELEASED = sorted(topic for topic, cls in CLASS_OF.items() if cls.__module__.startswith("ledger."))


def split(path: Path) -> tuple[str, int]:
    """Topic and version in a file's name; what stands between them tells several files of one version apart."""
    topic, _, version = path.stem.rpartition(".v")
    return topic.partition("+")[0], int(version)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_released_fact_is_read_and_written_as_it_was(path: Path) -> None:
    topic, version = split(path)
    state = path.read_bytes()
    fact = decode_fact(topic, state)
    assert type(fact) is CLASS_OF[topic]
    if version == version_of(CLASS_OF[topic]):
        assert encode_fact(fact) == state
    else:
        assert decode_fact(topic, encode_fact(fact)) == fact


@pytest.mark.parametrize("topic", RELEASED)
def test_each_fact_has_a_file_of_each_of_its_versions(topic: str) -> None:
    versions = {version for name, version in map(split, FILES) if name == topic}
    assert versions == set(range(1, version_of(CLASS_OF[topic]) + 1))


def test_each_file_is_of_a_known_fact() -> None:
    assert {split(path)[0] for path in FILES} <= set(RELEASED)


@pytest.mark.parametrize("topic", RELEASED)
def test_each_field_of_a_fact_is_in_one_of_its_files(topic: str) -> None:
    """Fields at their defaults are left out of the bytes, so the files must show each with another value."""
    version = version_of(CLASS_OF[topic])
    shown = "".join(path.read_text(encoding="utf-8") for path in FILES if split(path) == (topic, version))
    missing = [name for name in CLASS_OF[topic].__struct_encode_fields__ if f'"{name}":' not in shown]
    assert missing == []
