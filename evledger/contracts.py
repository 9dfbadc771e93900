"""The public contracts as files, generated from the models: `python -m evledger.contracts` writes docs/contracts/.

A test fails while the files differ from the code, so a change of contract shows in the diff.
"""

import json
from pathlib import Path
from typing import Any, Final

from consumers.messages.account import AccountDefaults
from consumers.messages.kinds import Family, kinds_of
from evledger.settings import Settings
from projections.outbox.schemas import schemas as outbound_schemas

FOLDER: Final = Path(__file__).parent.parent / "docs" / "contracts"
ASYNCAPI_FILE: Final = "asyncapi.json"
ASYNCAPI_VERSION: Final = "3.0.0"
KAFKA_BINDING_VERSION: Final = "0.5.0"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_FORMAT: Final = "application/schema+json;version=2020-12"
CONTENT_TYPE: Final = "application/cloudevents+json"

Json = dict[str, Any]

# The setting that names a family's topic, and what the record key is.
_TOPIC_SETTING: Final[dict[Family, str]] = {
    "session": "topic_sessions",
    "tariff": "topic_tariffs",
    "account": "topic_accounts",
    "station": "topic_stations",
    "meter": "topic_meters",
    "price": "topic_prices",
}
_KEY: Final[dict[Family, str]] = {
    "session": "the session id, equal to subject",
    "tariff": "the tariff id, equal to subject",
    "account": "the account id, equal to subject",
    "station": "the station id, equal to subject",
    "meter": "the meter id, equal to subject",
    "price": "the name of the series, equal to subject",
}
_BILLING_KEY: Final = "the account id, or the payment id of an ad-hoc session"


def contract_files() -> dict[str, str]:
    """The text of every file in docs/contracts/, by its name."""
    every = {**inbound_schemas(), **outbound_schemas()}
    files = {schema_file(name): _text({"$schema": DIALECT, **schema}) for name, schema in every.items()}
    return {**files, ASYNCAPI_FILE: _text(asyncapi())}


def schema_file(name: str) -> str:
    """The file that holds the JSON Schema of a message type."""
    return f"{name}.schema.json"


def inbound_schemas() -> dict[str, Json]:
    """The JSON Schema of each message type that is read, in structured mode."""
    return {kind.type: kind.event.json_schema(mode="validation") for kind in _kinds()}


def asyncapi() -> Json:
    """The AsyncAPI document: topics, what they carry, and which way."""
    return {
        "asyncapi": ASYNCAPI_VERSION,
        "info": {
            "title": "evledger",
            "version": "1",
            "description": "Messages in and out: CloudEvents 1.0 over Kafka. Topics have their default names.",
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {**_inbound_channels(), "billing": _channel("topic_billing", sorted(outbound_schemas()))},
        "operations": _operations(),
        "components": {"messages": {**_inbound_messages(), **_outbound_messages()}},
    }


def write(folder: Path = FOLDER) -> None:
    """Write all files, and remove those of contracts that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    files = contract_files()
    for stale in {path.name for path in folder.glob("*.json")} - files.keys():
        (folder / stale).unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def _kinds() -> Any:
    # Defaults fill in facts; no contract depends on them.
    return kinds_of(AccountDefaults(legal_entity="", time_zone="UTC"))


def _inbound_channels() -> Json:
    return {
        family: _channel(setting, [kind.type for kind in _kinds() if kind.family == family])
        for family, setting in _TOPIC_SETTING.items()
    }


def _channel(setting: str, names: list[str]) -> Json:
    return {
        "address": _default(setting),
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "kafka": {
                "bindingVersion": KAFKA_BINDING_VERSION,
                "partitions": _default("topic_partitions"),
                "topicConfiguration": {"cleanup.policy": ["delete"]},
            }
        },
    }


def _operations() -> Json:
    received = {
        f"receive_{family}": {"action": "receive", "channel": {"$ref": f"#/channels/{family}"}}
        for family in _TOPIC_SETTING
    }
    return {**received, "send_billing": {"action": "send", "channel": {"$ref": "#/channels/billing"}}}


def _inbound_messages() -> Json:
    return {kind.type: _message(kind.type, _KEY[kind.family]) for kind in _kinds()}


def _outbound_messages() -> Json:
    return {name: _message(name, _BILLING_KEY) for name in outbound_schemas()}


def _message(name: str, key: str) -> Json:
    return {
        "name": name,
        "contentType": CONTENT_TYPE,
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": {"$ref": f"./{schema_file(name)}"}},
        "bindings": {"kafka": {"bindingVersion": KAFKA_BINDING_VERSION, "key": {"type": "string", "description": key}}},
    }


def _default(setting: str) -> Any:
    return Settings.model_fields[setting].default


def _text(content: Json) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    write()
