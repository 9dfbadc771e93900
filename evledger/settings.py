"""Settings: environment variables `EVLEDGER_*`, or a TOML file named by `EVLEDGER_CONFIG`; the environment wins."""

import json
import os
import re
import tomllib
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from consumers.messages.account import AccountDefaults
from ledger.session.plausibility.rules import DEFAULT_RULES, POLICIES, RULES_VERSION, Policy, Rules
from ledger.store.connection import TRANSACTION_TIMEOUT_MS
from ledger.values.energy import MILLIWH_PER_WH
from ledger.values.zones import UnknownTimeZoneError, time_zone

PREFIX = "EVLEDGER_"

# Names with our prefix that are no settings: the file of settings, and the password in docker-compose.yml.
NO_SETTINGS = frozenset({"EVLEDGER_CONFIG", "EVLEDGER_POSTGRES_PASSWORD"})

# How alike an unknown name must be to a known one to be taken for a typing error. Other unknown names are left alone:
# Kubernetes, for one, sets EVLEDGER_SERVICE_HOST and EVLEDGER_PORT for a service called evledger.
TYPO_LIKENESS = 0.85

# A host name or address (IPv6 in brackets) and a port.
SERVER = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})", re.ASCII)
PORT_MAX = 65_535

# A year, and a century: longer is a typing error, and an instant so much earlier or later is none any more.
WAIT_S_MAX = 31_536_000
RETENTION_DAYS_MAX = 36_500

Id = Annotated[str, Field(pattern=r"^[!-~]{1,255}$")]  # as the ids in messages
TopicName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]  # as Kafka has it


class SettingsError(Exception):
    """A setting that cannot be used; the message names it."""


def _from_json(value: Any) -> Any:
    """What the environment says as a text; a file says it as a table."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError('write a JSON object such as {"SAMPLE_AFTER_END": "hold"}') from None


class Settings(BaseSettings):
    """Everything that can be set. Defaults make a first run work on an empty machine; an empty text is the default."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    home: Path = Path(".evledger")
    database_url: SecretStr | None = None
    transaction_timeout_ms: Annotated[int, Field(ge=1_000, le=600_000)] = TRANSACTION_TIMEOUT_MS

    kafka_bootstrap_servers: str | None = None
    kafka_group: Id = "evledger"
    read_ahead: bool = True
    kafka_instance_id: Id | None = None
    kafka_session_timeout_ms: Annotated[int, Field(ge=1_000, le=600_000)] = 30_000
    topic_sessions: TopicName = "ev.sessions.v1"
    topic_tariffs: TopicName = "ev.tariffs.v1"
    topic_accounts: TopicName = "ev.accounts.v1"
    topic_meters: TopicName = "ev.meters.v1"
    topic_prices: TopicName = "ev.prices.v1"
    topic_stations: TopicName = "ev.stations.v1"
    topic_ocpp_frames: TopicName = "ocpp.frames.v1"
    topic_ocpp_citrineos: TopicName = "ocpp.citrineos.v1"
    topic_billing: TopicName = "billing.events.v1"
    topic_partitions: Annotated[int, Field(ge=1, le=1_000)] = 12
    topic_retention_days: Annotated[int, Field(ge=1, le=RETENTION_DAYS_MAX)] = 14

    legal_entity: Id = "EVL"
    seller_time_zone: str = "Europe/Amsterdam"
    account_time_zone: str = "Europe/Amsterdam"
    account_closing_day: Annotated[int, Field(ge=1, le=31)] = 1
    account_language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] = "en"
    account_payment_terms_days: Annotated[int, Field(ge=0, le=365)] = 14

    operator_amount_max: Annotated[Decimal, Field(ge=0, le=1_000_000, allow_inf_nan=False)] = Decimal(100)

    plausible_power_percent: Annotated[int, Field(ge=100, le=1_000)] = DEFAULT_RULES.power_margin_percent
    plausible_power_w: Annotated[int, Field(ge=1_000, le=10_000_000)] = DEFAULT_RULES.power_w
    plausible_step_wh: Annotated[int, Field(ge=0, le=100_000)] = DEFAULT_RULES.register_step_milliwh // MILLIWH_PER_WH
    plausible_creep_wh: Annotated[int, Field(ge=0, le=100_000)] = DEFAULT_RULES.tolerance_milliwh // MILLIWH_PER_WH
    plausible_frozen_s: Annotated[int, Field(ge=60, le=WAIT_S_MAX)] = DEFAULT_RULES.frozen_s
    plausible_policies: Annotated[dict[str, Policy], NoDecode, BeforeValidator(_from_json)] = {}
    seq_gap_wait_s: Annotated[int, Field(ge=60, le=WAIT_S_MAX)] = DEFAULT_RULES.seq_gap_wait_s
    end_wait_s: Annotated[int, Field(ge=60, le=WAIT_S_MAX)] = DEFAULT_RULES.end_wait_s
    unattributed_wh_max: Annotated[int, Field(ge=0, le=1_000_000_000)] = 100

    @field_validator("plausible_policies")
    @classmethod
    def _known_codes(cls, value: dict[str, Policy]) -> dict[str, Policy]:
        if unknown := sorted(set(value) - set(POLICIES)):
            raise ValueError(f"{unknown[0]} is none of the codes {', '.join(sorted(POLICIES))}")
        return value

    @field_validator("seller_time_zone", "account_time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            time_zone(value)
        except UnknownTimeZoneError as error:
            raise ValueError(str(error)) from None
        return value

    @field_validator("database_url")
    @classmethod
    def _postgresql_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not is_postgresql_url(value.get_secret_value()):
            raise ValueError(
                "not a URL such as postgresql://user@host:5432/evledger (other characters in a password are written"
                " as %XX)"
            )
        return value

    @field_validator("kafka_bootstrap_servers")
    @classmethod
    def _addresses(cls, value: str | None) -> str | None:
        for server in () if value is None else value.split(","):
            found = SERVER.fullmatch(server.strip())
            if found is None or not 1 <= int(found[1]) <= PORT_MAX:
                raise ValueError("write host:port, several with commas between, such as 127.0.0.1:9092")
        return value

    @model_validator(mode="after")
    def _different_topics(self) -> "Settings":
        named = [getattr(self, name) for name in type(self).model_fields if name.startswith("topic_")]
        topics = [topic for topic in named if isinstance(topic, str)]  # the others are numbers, such as partitions
        if len(set(topics)) < len(topics):
            raise ValueError(f"two of the topics have the same name: {', '.join(topics)}")
        return self

    @property
    def rules(self) -> Rules:
        """The limits and policies by which sessions are judged."""
        return Rules(
            version=RULES_VERSION,
            power_margin_percent=self.plausible_power_percent,
            power_w=self.plausible_power_w,
            register_step_milliwh=self.plausible_step_wh * MILLIWH_PER_WH,
            tolerance_milliwh=self.plausible_creep_wh * MILLIWH_PER_WH,
            frozen_s=self.plausible_frozen_s,
            policies=self.plausible_policies,
            seq_gap_wait_s=self.seq_gap_wait_s,
            end_wait_s=self.end_wait_s,
        )

    @property
    def unattributed_milliwh_max(self) -> int:
        """Energy between two sessions of a meter that is an alarm when it is exceeded, either way."""
        return self.unattributed_wh_max * MILLIWH_PER_WH

    @property
    def account_defaults(self) -> AccountDefaults:
        """What accounts' messages may leave out."""
        return AccountDefaults(
            legal_entity=self.legal_entity,
            time_zone=self.account_time_zone,
            closing_day=self.account_closing_day,
            language=self.account_language,
            payment_terms_days=self.account_payment_terms_days,
        )


def is_postgresql_url(text: str) -> bool:
    """Whether libpq can take the text apart as a URL. Its own message would show the text, and so a password."""
    if not text.startswith(("postgresql://", "postgres://")) or not text.isprintable():
        return False
    try:
        ports = str(conninfo_to_dict(text).get("port") or "")
    except psycopg.ProgrammingError:
        return False
    return all(port.isdecimal() for port in ports.split(",") if port)


def load_settings() -> Settings:
    """The settings in force. Raises SettingsError, one line that names the setting."""
    path = os.environ.get("EVLEDGER_CONFIG") or None
    from_file = _read_config(path)
    named = {name for name, value in os.environ.items() if name.startswith(PREFIX) and value}
    _refuse_typos(named)
    in_environment = {name.removeprefix(PREFIX).lower() for name in named}
    unsaid = {name: value for name, value in from_file.items() if name not in in_environment}
    try:
        return Settings(**unsaid)
    except ValidationError as error:
        raise SettingsError(_line(error.errors()[0], path if unsaid else None, unsaid)) from None


def _refuse_typos(named: set[str]) -> None:
    """A mistyped EVLEDGER_DATABASE_URL would write to another database than was meant, and say nothing."""
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    for name in sorted(named - NO_SETTINGS - set(known)):
        if alike := get_close_matches(name, known, 1, TYPO_LIKENESS):
            raise SettingsError(f"{name} is no setting: did you mean {alike[0]}?")


def _line(error: ErrorDetails, path: str | None, from_file: dict[str, Any]) -> str:
    """Where the value stands, the value unless it is secret, and what is wrong with it."""
    name = ".".join(str(part) for part in error["loc"])
    reason = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return f"{path}: {name} is no setting{_suggestion(name)}"
    where = f"{path}: {name}" if name in from_file else f"{PREFIX}{name.upper()}"
    shown = "" if name in ("", "database_url") else f" is {error['input']!r}"
    return f"setting {where}{shown}: {reason}" if name else f"settings: {reason}"


def _suggestion(name: str) -> str:
    alike = get_close_matches(name, Settings.model_fields, 1)
    return f": did you mean {alike[0]}?" if alike else ""


def _read_config(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"EVLEDGER_CONFIG: {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"EVLEDGER_CONFIG: {path} is no TOML file: {error}") from None
