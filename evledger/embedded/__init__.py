"""The embedded PostgreSQL: a private server for a first run and for tests. See README.md."""

from evledger.embedded.binaries import wheel_binaries
from evledger.embedded.cluster import DATABASE, OWNER_ROLE
from evledger.embedded.errors import EmbeddedServerError
from evledger.embedded.server import Server, ensure_running, stop

__all__ = ["DATABASE", "OWNER_ROLE", "EmbeddedServerError", "Server", "ensure_running", "stop", "wheel_binaries"]
