"""The fixtures keep their word: a database of one's own, migrated, with the roles of the program."""

import psycopg

from evledger.embedded import Server
from evledger.migrate import known_migrations
from tests.conftest import create_database, drop_database


def names_of_migrations(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT name FROM public.evledger_migrations ORDER BY name")]


def test_a_database_of_a_test_has_every_migration(database_url: str) -> None:
    assert names_of_migrations(database_url) == [migration.name for migration in known_migrations()]


def test_what_one_test_writes_no_other_test_sees(embedded_server: Server, template_database: str) -> None:
    create_database(embedded_server, "first", template_database)
    create_database(embedded_server, "second", template_database)
    with psycopg.connect(embedded_server.url(database="first")) as connection:
        connection.execute("CREATE TABLE public.mine ()")
    with psycopg.connect(embedded_server.url(database="second")) as connection:
        assert connection.execute("SELECT to_regclass('public.mine')").fetchone() == (None,)
    for name in ("first", "second"):
        drop_database(embedded_server, name)


def test_a_url_with_a_role_begins_with_the_rights_of_that_role(embedded_server: Server, template_database: str) -> None:
    url = embedded_server.url(role="evledger_app", database=template_database)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT session_user, current_user").fetchone() == (
            "evledger_owner",
            "evledger_app",
        )
