"""A way to the database that passes on half of a consumer's write, and freezes the consumer there."""

import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.integration.consuming import Stage

BLOCK_BYTES = 4096

# Only the write of a batch sends so much without waiting for an answer; it is several times as long. The names of all
# sessions of a batch, to look for their streams, are a quarter of this.
HALF_BYTES = 64 * 1024


class HalfWay:
    """Passes bytes between clients and the server. After `freeze`, it keeps the rest of the next large write."""

    def __init__(self, server: str, folder: Path, parameters: dict[str, str]) -> None:
        self._server = server
        self._victim: int | None = None
        self._released = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        self.url = make_conninfo(**{**parameters, "host": str(folder), "port": "5432"})
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self, pid: int) -> None:
        """Stop this process as soon as half of a write was passed on."""
        self._victim = pid

    def let_go(self) -> None:
        """Pass on what was kept."""
        self._released.set()

    def close(self) -> None:
        self.let_go()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                burst = Burst()
                threading.Thread(target=self._to_server, args=(client, server, burst), daemon=True).start()
                threading.Thread(target=self._to_client, args=(client, server, burst), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket, burst: "Burst") -> None:
        with suppress(OSError):
            while block := client.recv(BLOCK_BYTES):
                server.sendall(block)
                burst.length += len(block)
                if self._victim is not None and burst.length >= HALF_BYTES:
                    self._hold()
        _hang_up(server)

    def _to_client(self, client: socket.socket, server: socket.socket, burst: "Burst") -> None:
        with suppress(OSError):
            while block := server.recv(BLOCK_BYTES):
                burst.length = 0
                client.sendall(block)
        _hang_up(client)

    def _hold(self) -> None:
        victim, self._victim = self._victim, None
        if victim is not None:
            os.kill(victim, signal.SIGSTOP)
            self._released.wait()


class Burst:
    """How much a client has sent since the server last answered."""

    length = 0


def _hang_up(other: socket.socket) -> None:
    with suppress(OSError):
        other.shutdown(socket.SHUT_WR)


@contextmanager
def holding_half(stage: Stage) -> Iterator[HalfWay]:
    """Such a way to the stage's database, over a Unix socket in a short folder."""
    parameters = {name: str(value) for name, value in conninfo_to_dict(stage.url).items()}
    folder = Path(tempfile.mkdtemp(prefix="evl-"))
    way = HalfWay(f"{parameters['host']}/.s.PGSQL.{parameters.get('port', 5432)}", folder, parameters)
    try:
        yield way
    finally:
        way.close()
        shutil.rmtree(folder)
