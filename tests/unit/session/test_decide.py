"""What may happen to a session: each decision does, refuses, stays quiet."""

import pytest

from ledger.session.decide import (
    Pins,
    Unstarted,
    change_state,
    end_session,
    record_reading,
    start_session,
    unpinned,
)
from ledger.session.state import Session
from ledger.values.refusal import RefusedError, RepeatedError
from tests.building import end, fact_of, reading, start, state
from tests.unit.session.build import BUSINESS, PIN, given, started

PINS = Pins(tariff=PIN, terms=BUSINESS, seller="ABC-NL")


class TestStart:
    def test_a_session_starts_with_tariff_terms_and_seller_pinned(self) -> None:
        proposal = fact_of(start("S", account_id="ACC", tariff_id="T"))
        fact = start_session(Session(), proposal, PINS)
        assert (fact.tariff_pin, fact.terms, fact.seller) == (PIN, BUSINESS, "ABC-NL")
        assert unpinned(fact) == proposal

    def test_the_seller_that_the_message_names_sells(self) -> None:
        proposal = fact_of(start("S", account_id="ACC", legal_entity="XYZ-BE"))
        assert start_session(Session(), proposal, Pins(terms=BUSINESS, seller="ABC-NL")).seller == "XYZ-BE"

    def test_another_start_is_refused(self) -> None:
        proposal = fact_of(start("S", 0, "1001", account_id="ACC", tariff_id="T").under(id="other"))
        with pytest.raises(RefusedError, match=r"another start already \(message started@0\)"):
            start_session(given(started()), proposal, PINS)

    def test_the_same_start_under_another_name_stays_quiet(self) -> None:
        proposal = fact_of(start("S", 0, "1000", account_id="ACC", tariff_id="T").under(id="other"))
        with pytest.raises(RepeatedError):
            start_session(given(started()), proposal, Pins(seller="someone"))


class TestReading:
    def test_a_reading_is_recorded_as_it_came(self) -> None:
        proposal = fact_of(reading("S", 15, "1002"))
        assert record_reading(given(started()), proposal) is proposal

    def test_a_reading_of_a_session_without_a_start_waits(self) -> None:
        with pytest.raises(Unstarted, match="the session has no start yet"):
            record_reading(Session(), fact_of(reading("S", 15, "1002")))

    @pytest.mark.parametrize("others", [(), (30,), (10, 30)])
    def test_another_register_at_the_same_instant_and_context_is_refused(self, others: tuple[int, ...]) -> None:
        before = [fact_of(reading("S", minutes, "1002")) for minutes in (15, *others)]
        with pytest.raises(RefusedError, match="another register"):
            record_reading(given(started(), *before), fact_of(reading("S", 15, "1003").under(id="other")))

    @pytest.mark.parametrize("minutes", [0, 15, 60])
    def test_another_context_at_the_same_instant_is_no_contradiction(self, minutes: int) -> None:
        first = fact_of(reading("S", minutes, "1002", context="Sample.Clock"))
        second = fact_of(reading("S", minutes, "1003", context="Trigger").under(id="other"))
        assert record_reading(given(started(), first), second) is second

    def test_the_same_sample_under_another_name_stays_quiet(self) -> None:
        first = fact_of(reading("S", 15, "1002", power_kw="11"))
        with pytest.raises(RepeatedError):
            record_reading(given(started(), first), fact_of(reading("S", 15, "1002", power_kw="11").under(id="other")))

    def test_a_sample_that_says_more_about_the_same_instant_is_recorded(self) -> None:
        first = fact_of(reading("S", 15, "1002"))
        second = fact_of(reading("S", 15, "1002", power_kw="11").under(id="other"))
        assert record_reading(given(started(), first), second) is second

    def test_a_register_that_falls_is_recorded_for_a_person_to_look_at(self) -> None:
        proposal = fact_of(reading("S", 20, "1"))
        assert record_reading(given(started(), fact_of(reading("S", 15, "1002"))), proposal) is proposal

    def test_a_reading_after_the_end_is_recorded(self) -> None:
        proposal = fact_of(reading("S", 90, "1050"))
        assert record_reading(given(started(), fact_of(end("S"))), proposal) is proposal


class TestState:
    def test_a_change_of_state_is_recorded(self) -> None:
        proposal = fact_of(state("S", 30, "SuspendedEV"))
        assert change_state(given(started()), proposal) is proposal

    def test_a_change_of_state_without_a_start_waits(self) -> None:
        with pytest.raises(Unstarted):
            change_state(Session(), fact_of(state("S", 30, "SuspendedEV")))


class TestEnd:
    def test_a_session_ends(self) -> None:
        proposal = fact_of(end("S"))
        assert end_session(given(started()), proposal) is proposal

    def test_an_end_without_a_start_waits(self) -> None:
        with pytest.raises(Unstarted):
            end_session(Session(), fact_of(end("S")))

    def test_another_end_is_refused(self) -> None:
        with pytest.raises(RefusedError, match=r"another end already \(message ended@60\)"):
            end_session(given(started(), fact_of(end("S"))), fact_of(end("S", 60, "1011").under(id="other")))

    def test_the_same_end_under_another_name_stays_quiet(self) -> None:
        with pytest.raises(RepeatedError):
            end_session(given(started(), fact_of(end("S"))), fact_of(end("S").under(id="other")))

    def test_an_end_is_never_refused_for_a_reading_of_its_instant(self) -> None:
        proposal = fact_of(end("S", 60, "1010"))
        assert end_session(given(started(), fact_of(reading("S", 60, "1009"))), proposal) is proposal

    def test_an_end_below_or_before_its_start_is_a_fact(self) -> None:
        proposal = fact_of(end("S", -10, "999"))
        assert end_session(given(started()), proposal) is proposal
