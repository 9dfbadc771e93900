"""Settings: environment variables `EVLEDGER_*`, or a TOML file named by `EVLEDGER_CONFIG`; the environment wins."""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from consumers.messages.account import AccountDefaults
from ledger.store.connection import TRANSACTION_TIMEOUT_MS
from ledger.values.zones import UnknownTimeZoneError, time_zone


class SettingsError(Exception):
    """A setting that cannot be used; the message names it."""


class Settings(BaseSettings):
    """Everything that can be set. Defaults make a first run work on an empty machine."""

    model_config = SettingsConfigDict(env_prefix="EVLEDGER_", extra="forbid", frozen=True)

    home: Path = Path(".evledger")
    database_url: SecretStr | None = None
    transaction_timeout_ms: Annotated[int, Field(ge=1_000, le=600_000)] = TRANSACTION_TIMEOUT_MS

    kafka_bootstrap_servers: str | None = None
    kafka_group: str = "evledger"
    kafka_instance_id: str | None = None
    kafka_session_timeout_ms: Annotated[int, Field(ge=1_000, le=600_000)] = 30_000
    topic_sessions: str = "ev.sessions.v1"
    topic_tariffs: str = "ev.tariffs.v1"
    topic_accounts: str = "ev.accounts.v1"
    topic_billing: str = "billing.events.v1"
    topic_partitions: Annotated[int, Field(ge=1, le=1_000)] = 12
    topic_retention_days: Annotated[int, Field(ge=1)] = 14

    legal_entity: str = "EVL"
    seller_time_zone: str = "Europe/Amsterdam"
    account_time_zone: str = "Europe/Amsterdam"
    account_closing_day: Annotated[int, Field(ge=1, le=31)] = 1
    account_language: str = "en"
    account_payment_terms_days: Annotated[int, Field(ge=0, le=365)] = 14

    @field_validator("seller_time_zone", "account_time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            time_zone(value)
        except UnknownTimeZoneError as error:
            raise ValueError(str(error)) from None
        return value

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


def load_settings() -> Settings:
    """The settings in force. Raises SettingsError, one line that names the setting."""
    try:
        from_file = _read_config(os.environ.get("EVLEDGER_CONFIG"))
        in_environment = {name.removeprefix("EVLEDGER_").lower() for name in os.environ if name.startswith("EVLEDGER_")}
        return Settings(**{name: value for name, value in from_file.items() if name not in in_environment})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"setting EVLEDGER_{name.upper()}: {first['msg']}") from None


def _read_config(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"EVLEDGER_CONFIG: {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"EVLEDGER_CONFIG: {path} is no TOML file: {error}") from None
