"""Messages through the pipeline into the real store: one outcome each, and the same once stored."""

from collections.abc import Iterator

import pytest

from evledger.embedded import Server
from ledger.application import Ledger
from tests.building import (
    AT,
    Feed,
    Names,
    a_database,
    account,
    end,
    facts_of,
    new_names,
    parked,
    ratings,
    reading,
    short_topics,
    start,
    state,
    tariff,
    topics_of,
)


@pytest.fixture(scope="module")
def ledger(embedded_server: Server, template_database: str) -> Iterator[Ledger]:
    with (
        a_database(embedded_server, template_database, "test_intake") as url,
        Ledger(url) as ledger,
    ):
        yield ledger


@pytest.fixture
def names() -> Names:
    return new_names()


@pytest.fixture
def feed(ledger: Ledger, names: Names) -> Iterator[Feed]:
    """A consumer of a topic of its own, whose tariff and account are known; its totals add up in the end."""
    feed = Feed(ledger, names.topic)
    feed.deliver(tariff(names.tariff), account(names.account))
    yield feed
    assert feed.totals.are_complete()
    feed.close()


def begun(names: Names, **data: object) -> object:
    return start(names.session, account_id=names.account, tariff_id=names.tariff, **data)
