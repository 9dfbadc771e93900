"""Sessions as their facts made them, for decisions to be taken upon."""

from collections.abc import Iterable
from typing import Any

from ledger.account.events import Terms
from ledger.session.decide import Pins, start_session
from ledger.session.events import SessionHeld, SessionRated, SessionStarted, TariffPin
from ledger.session.state import Session, evolve
from ledger.store.fact import Fact
from ledger.tariff.compiled import CompiledTariff, compile_tariff
from ledger.tariff.parse import parse_tariff
from ledger.values.canonical import read_json_decimals
from tests.building import ENERGY, ZONE, fact_of, start, tariff, to_json

PIN = TariffPin(tariff_id="T", tariff_version=1, tariff_hash="ab" * 32)
BUSINESS = Terms(account_version=1, kind="BUSINESS", billing="MONTHLY")


def started(
    minutes: int = 0,
    kwh: str = "1000",
    pin: TariffPin | None = PIN,
    terms: Terms | None = BUSINESS,
    groups: tuple[str, ...] = (),
    **data: Any,
) -> SessionStarted:
    """The start as it is stored: pinned. `terms` None: an ad-hoc session."""
    payer = {"payment_id": "PAY-1"} if terms is None else {"account_id": "ACC"}
    proposal = fact_of(start("S", minutes, kwh, **{**payer, "tariff_id": "T", **data}))
    return start_session(Session(), proposal, Pins(tariff=pin, terms=terms, seller="ABC-NL", groups=groups))


def given(*facts: Fact) -> Session:
    """The session after these facts."""
    session = Session()
    for fact in facts:
        evolve(session, fact)
    return session


def compiled(
    *components: dict[str, Any], zone: str = ZONE, groups: tuple[str, ...] = (), **fields: Any
) -> CompiledTariff:
    content = tariff("T", *(components or [ENERGY]), **fields).data
    return compile_tariff(parse_tariff(read_json_decimals(to_json(content))), zone, groups)


def held_codes(facts: Iterable[Fact]) -> list[str]:
    return [reason.code for fact in facts if isinstance(fact, SessionHeld) for reason in fact.reasons]


def cost_in(facts: Iterable[Fact]) -> SessionRated:
    """The one cost among the facts."""
    (rated,) = [fact for fact in facts if isinstance(fact, SessionRated)]
    return rated
