"""Settings: what is wrong is named in one line, and no secret is shown."""

from pathlib import Path

import pytest

from evledger.settings import Settings, SettingsError, is_postgresql_url, load_settings


@pytest.fixture(autouse=True)
def no_home_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVLEDGER_HOME")


def refusal(monkeypatch: pytest.MonkeyPatch, **settings: str) -> str:
    for name, value in settings.items():
        monkeypatch.setenv(f"EVLEDGER_{name.upper()}", value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_without_any_setting_a_first_run_works() -> None:
    settings = load_settings()
    assert settings.home == Path(".evledger")
    assert settings.database_url is None
    assert settings.kafka_bootstrap_servers is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("topic_partitions", "x"),
        ("topic_partitions", "0"),
        ("transaction_timeout_ms", "1"),
        ("seller_time_zone", "Mars/Olympus"),
        ("account_time_zone", "Mars/Olympus"),
        ("account_closing_day", "32"),
        ("account_language", "english"),
        ("legal_entity", "two words"),
        ("topic_sessions", "ev/sessions"),
        ("kafka_bootstrap_servers", "localhost"),
        ("kafka_bootstrap_servers", "localhost:port"),
        ("kafka_bootstrap_servers", "localhost:0"),
        ("kafka_bootstrap_servers", "a:9092,,b:9092"),
        ("kafka_group", "a b"),
        ("topic_retention_days", "99999999999999"),
        ("plausible_frozen_s", "99999999999999"),
        ("seq_gap_wait_s", "99999999999999"),
        ("end_wait_s", "99999999999999"),
        ("plausible_policies", "no JSON"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_and_shown(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = refusal(monkeypatch, **{name: value})
    assert f"EVLEDGER_{name.upper()} is {value!r}" in said


@pytest.mark.parametrize(
    "url",
    [
        "garbage",
        "mysql://u:se-cret@host/x",
        "postgresql://u:se/cret@host:5432/x",
        "postgresql://u:se-cret@host:port/x",
        "postgresql://u:se-cret@host/x?nonsense=1",
        "host=x password=se-cret",
        "postgresql://u:se-cret@host/x\n",
    ],
)
def test_a_database_url_that_cannot_be_used_is_not_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = refusal(monkeypatch, database_url=url)
    assert "EVLEDGER_DATABASE_URL" in said
    assert "cret" not in said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://host/x",
        "postgres://u:p%2Fw@host:5432/x?sslmode=verify-full",
        "postgresql://one:5432,other:5433/x?target_session_attrs=read-write",
        "postgresql:///x?host=%2Ftmp%2Fa&port=5432&user=u&options=-c%20role%3Dr",
    ],
)
def test_urls_that_libpq_takes_are_taken(url: str) -> None:
    assert is_postgresql_url(url)


@pytest.mark.parametrize("servers", ["127.0.0.1:9092", "a.example:1,b.example:65535", "[::1]:9092", "a:1, b:2"])
def test_addresses_of_brokers_are_taken(servers: str) -> None:
    assert Settings(kafka_bootstrap_servers=servers).kafka_bootstrap_servers == servers


def test_a_mistyped_name_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refusal(monkeypatch, databse_url="postgresql:///x")
    assert said == "EVLEDGER_DATABSE_URL is no setting: did you mean EVLEDGER_DATABASE_URL?"


@pytest.mark.parametrize("name", ["SERVICE_HOST", "PORT", "PORT_8080_TCP", "POSTGRES_PASSWORD", "SERVICE_PORT_HTTP"])
def test_names_that_others_set_are_left_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"EVLEDGER_{name}", "tcp://10.0.0.1:8080")
    assert load_settings() == Settings()


def test_no_setting_is_taken_for_a_mistyped_other_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, field in Settings.model_fields.items():
        if field.default is not None:
            monkeypatch.setenv(f"EVLEDGER_{name.upper()}", str(field.default))
    assert load_settings() == Settings()


def test_an_empty_text_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "HOME", "TOPIC_PARTITIONS", "CONFIG"):
        monkeypatch.setenv(f"EVLEDGER_{name}", "")
    assert load_settings() == Settings()


def test_two_topics_must_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "same name" in refusal(monkeypatch, topic_sessions="billing.events.v1")


class TestFile:
    @pytest.fixture
    def file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        path = tmp_path / "evledger.toml"
        monkeypatch.setenv("EVLEDGER_CONFIG", str(path))
        return path

    def test_the_environment_wins_over_the_file(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file.write_text('legal_entity = "ABC-NL"\ntopic_partitions = 3\n')
        monkeypatch.setenv("EVLEDGER_TOPIC_PARTITIONS", "5")
        assert (load_settings().legal_entity, load_settings().topic_partitions) == ("ABC-NL", 5)

    def test_a_value_in_the_file_is_named_with_the_file(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file.write_text('topic_partitions = "many"\n')
        assert f"{file}: topic_partitions is 'many'" in refusal(monkeypatch)

    def test_a_password_in_the_file_is_not_shown(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file.write_text('database_url = "postgresql://u:se/cret@h/x"\n')
        said = refusal(monkeypatch)
        assert f"{file}: database_url" in said
        assert "cret" not in said

    def test_an_unknown_name_in_the_file_is_refused(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file.write_text('databse_url = "x"\n')
        assert refusal(monkeypatch) == f"{file}: databse_url is no setting: did you mean database_url?"

    @pytest.mark.parametrize("content", [b"= 1", b"\xff\xfe", b"[a"])
    def test_a_file_that_is_no_toml_is_named(self, content: bytes, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file.write_bytes(content)
        assert f"{file} is no TOML file" in refusal(monkeypatch)

    def test_a_missing_file_is_named(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert f"{file}: No such file" in refusal(monkeypatch)
