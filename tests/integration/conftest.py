"""A ledger that tests of the core share: each takes names of its own, so none sees what another stored."""

from collections.abc import Iterator

import pytest

from evledger.embedded import Server
from ledger.application import Ledger
from tests.building import Feed, Names, a_database, account, new_names, tariff


@pytest.fixture(scope="session")
def ledger_url(embedded_server: Server, template_database: str) -> Iterator[str]:
    """The URL (as owner) of the shared database."""
    with a_database(embedded_server, template_database, "test_ledger") as url:
        yield url


@pytest.fixture(scope="session")
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """The ledger over the shared database."""
    with Ledger(ledger_url) as ledger:
        yield ledger


@pytest.fixture
def names() -> Names:
    """Names that no other test uses."""
    return new_names()


@pytest.fixture
def bare_feed(ledger: Ledger, names: Names) -> Iterator[Feed]:
    """A consumer of a topic of its own; its totals add up in the end."""
    feed = Feed(ledger, names.topic)
    yield feed
    assert feed.totals.are_complete()
    feed.close()


@pytest.fixture
def feed(bare_feed: Feed, names: Names) -> Feed:
    """The same, after the tariff (0.30 EUR a kWh, 19 % VAT) and the account (a business) of `names` were published."""
    bare_feed.deliver(tariff(names.tariff), account(names.account))
    return bare_feed
