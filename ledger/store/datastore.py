"""The library's datastore, with the whole connection string and the least role.

The stock one takes host, port, user and password only, so `sslmode`, `options` and several hosts of a URL would be
dropped without a word.
"""

from collections.abc import Callable
from typing import Any

from eventsourcing.postgres import ConnectionPool, PostgresDatastore
from psycopg import Connection
from psycopg.rows import DictRow, dict_row

from ledger.store.arrays import register_arrays
from ledger.store.connection import CONNECT_TIMEOUT_S, TRANSACTION_TIMEOUT_MS, conninfo, take_role

# The writer's thread and the loader's; a third for a listener.
POOL_SIZE = 3


class LedgerDatastore(PostgresDatastore):
    """Connections to the ledger's database under `role`, for the recorders of both logs."""

    def __init__(self, url: str, role: str, transaction_timeout_ms: int = TRANSACTION_TIMEOUT_MS) -> None:
        self._role = role
        super().__init__("", "", "", "", "", schema="ledger")
        self.pool = ConnectionPool(
            conninfo=conninfo(url, transaction_timeout_ms),
            connection_class=Connection[DictRow],
            kwargs={"row_factory": dict_row},
            min_size=1,
            max_size=POOL_SIZE,
            open=False,
            configure=self.after_connect_func(),
            timeout=2 * CONNECT_TIMEOUT_S,
            reconnect_timeout=CONNECT_TIMEOUT_S,
            check=ConnectionPool.check_connection,
        )

    def after_connect_func(self) -> Callable[[Connection[Any]], None]:
        role = getattr(self, "_role", "app")

        def after_connect(connection: Connection[Any]) -> None:
            connection.autocommit = True
            take_role(connection, role)
            register_arrays(connection)

        return after_connect
