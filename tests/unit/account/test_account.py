"""Opening and changing an account."""

import pytest

from ledger.account.decide import open_or_change
from ledger.account.events import AccountChanged, AccountOpened, Terms
from ledger.account.state import Account, evolve
from tests.building import account, fact_of, minute, tariff


def opened(**data: object) -> Account:
    subject = Account()
    evolve(subject, open_or_change(subject, fact_of(account("A", **data))))  # type: ignore[arg-type]
    return subject


@pytest.mark.parametrize("verb", ["opened", "changed"])
def test_the_first_message_opens_the_account(verb: str) -> None:
    assert type(open_or_change(Account(), fact_of(account("A", verb=verb)))) is AccountOpened


@pytest.mark.parametrize("verb", ["opened", "changed"])
def test_every_other_message_changes_it(verb: str) -> None:
    assert type(open_or_change(opened(), fact_of(account("A", verb=verb)))) is AccountChanged


def test_a_message_is_the_full_new_state() -> None:
    subject = opened(vat_id="NL123456789B01", cost_centre="CC-1")
    evolve(subject, open_or_change(subject, fact_of(account("A", "MONTHLY", minutes=-5, verb="changed"))))
    assert subject.current is not None
    assert (subject.current.vat_id, subject.current.cost_centre, subject.current.billing) == (None, None, "MONTHLY")


def test_the_content_of_a_message_is_kept_when_its_verb_is_not() -> None:
    proposal = fact_of(account("A", verb="changed"))
    fact = open_or_change(Account(), proposal)
    assert (fact.message_id, fact.personal, fact.offset) == (proposal.message_id, proposal.personal, proposal.offset)


def test_terms_are_those_of_the_version_in_force() -> None:
    subject = opened()
    assert subject.terms() == Terms(account_version=1, kind="BUSINESS", billing="PER_SESSION")
    evolve(subject, open_or_change(subject, fact_of(account("A", "MONTHLY", minutes=-5, kind="CONSUMER"))))
    assert subject.terms() == Terms(account_version=2, kind="CONSUMER", billing="MONTHLY")


def test_an_account_that_was_never_opened_has_no_terms() -> None:
    assert Account().terms() is None


def test_personal_fields_stand_in_one_value() -> None:
    fact = fact_of(account("A", email="ap@fleet.example", tokens=["1"]))
    assert (fact.personal.person_id, fact.personal.email, fact.personal.tokens) == ("A", "ap@fleet.example", ("1",))


def test_a_fact_about_something_else_is_not_folded() -> None:
    with pytest.raises(KeyError):
        evolve(Account(), fact_of(tariff("T")))


@pytest.mark.parametrize(("minutes", "groups"), [(-541, ()), (-540, ("GOLD",)), (899, ("GOLD",)), (900, ())])
def test_a_member_is_one_on_whole_days_of_the_account_s_zone(minutes: int, groups: tuple[str, ...]) -> None:
    """From the first day on, until before the last one: 2 November in Amsterdam."""
    subject = opened(memberships=[{"group": "GOLD", "from": "2026-11-02", "until": "2026-11-03"}])
    assert subject.groups_at(minute(minutes)) == groups


def test_a_group_is_named_once_however_many_memberships_say_it() -> None:
    memberships = [{"group": group, "from": "2026-01-01"} for group in ("SILVER", "GOLD", "SILVER")]
    assert opened(memberships=memberships).groups_at(minute(0)) == ("GOLD", "SILVER")
    assert Account().groups_at(minute(0)) == ()
