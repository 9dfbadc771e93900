"""Which version of a tariff is in force."""

import pytest

from ledger.tariffbook.state import TariffVersions, evolve
from tests.building import account, fact_of, minute, tariff


def book(*minutes: int) -> TariffVersions:
    """Versions 1, 2, 3 … that begin at these minutes."""
    versions = TariffVersions()
    for number, begins in enumerate(minutes):
        evolve(versions, fact_of(tariff("T", minutes=begins).under(id=f"m{number}")))
    return versions


@pytest.mark.parametrize(
    ("begins", "at", "version"),
    [
        ((), 0, None),
        ((0,), -1, None),
        ((0,), 0, 1),
        ((0,), 100, 1),
        ((0, 10), 9, 1),
        ((0, 10), 10, 2),
        ((10, 0), 5, 2),
        ((10, 0), 10, 1),
        ((0, 0), 0, 2),
        ((0, 10, 0), 20, 2),
        ((0, 10, 0), 5, 3),
    ],
)
def test_the_version_that_began_last_is_in_force(begins: tuple[int, ...], at: int, version: int | None) -> None:
    """Of versions that began at the same time it is the one stored last."""
    assert book(*begins).at(minute(at)) == version


def test_a_version_published_later_may_have_begun_earlier() -> None:
    versions = book(0)
    assert versions.at(minute(-5)) is None
    evolve(versions, fact_of(tariff("T", minutes=-10).under(id="late")))
    assert (versions.at(minute(-5)), versions.at(minute(0))) == (2, 1)


def test_a_fact_about_something_else_is_not_folded() -> None:
    with pytest.raises(KeyError):
        evolve(TariffVersions(), fact_of(account("A")))
