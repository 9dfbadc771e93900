"""The adapter's relay in a process of its own, killed after the broker has confirmed and before that is written."""

import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from consumers.kafka_client import KafkaSettings
from consumers.ocpp import relay
from consumers.ocpp.relay import OcppRelay


class KilledRelay(OcppRelay):
    """Sends a page, and is no more."""

    def _send(self, producer: Any, page: Sequence[Any]) -> None:
        super()._send(producer, list(page))
        sys.stdout.write(f"{len(page)}\n")
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    url, bootstrap_servers, topic = sys.argv[1:]
    assert relay.PAGE_MESSAGES > 1
    KilledRelay(url, KafkaSettings(bootstrap_servers, "killed"), topic).publish()


if __name__ == "__main__":
    main()
