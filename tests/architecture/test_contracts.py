"""The published contracts are what the code reads and writes."""

import json
from pathlib import Path
from typing import Any

import pytest

from evledger.contracts import ASYNCAPI_FILE, FOLDER, asyncapi, contract_files, schema_file, write

ATTRIBUTES = {"specversion", "id", "source", "type", "subject", "time", "data"}
FILES = contract_files()
HOW_TO_FIX = "run `python -m evledger.contracts` and look at the difference: others depend on it"


def test_published_contracts_equal_the_models() -> None:
    published = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert published == FILES, HOW_TO_FIX


@pytest.mark.parametrize("name", sorted(set(FILES) - {ASYNCAPI_FILE}))
def test_a_schema_has_the_attributes_of_cloudevents(name: str) -> None:
    schema = json.loads(FILES[name])
    assert schema["properties"].keys() >= ATTRIBUTES
    assert name.startswith("billing.") or set(schema["required"]) >= ATTRIBUTES
    assert schema["properties"]["type"]["const"] == name.removesuffix(".schema.json")


@pytest.mark.parametrize("name", [name for name in sorted(FILES) if name.startswith("ev.")])
def test_readers_of_what_comes_in_ignore_unknown_fields(name: str) -> None:
    assert "additionalProperties" not in json.loads(FILES[name])


def test_every_message_stands_on_one_topic_and_has_its_schema() -> None:
    document = asyncapi()
    on_topics = [name for channel in document["channels"].values() for name in channel["messages"]]
    assert sorted(on_topics) == sorted(document["components"]["messages"])
    assert {schema_file(name) for name in on_topics} == set(FILES) - {ASYNCAPI_FILE}


def test_references_lead_somewhere() -> None:
    document = asyncapi()
    for reference in references(document):
        assert reference.startswith(("#/", "./"))
        if reference.startswith("#/"):
            assert resolve(document, reference)
        else:
            assert reference.removeprefix("./") in FILES


def test_a_contract_that_is_no_more_is_removed(tmp_path: Path) -> None:
    (tmp_path / "ev.session.paused.v1.schema.json").write_text("{}")
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)


def references(content: object) -> list[str]:
    if isinstance(content, dict):
        own = [content["$ref"]] if "$ref" in content else []
        return own + [found for value in content.values() for found in references(value)]
    return []


def resolve(document: dict[str, Any], reference: str) -> object:
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found
