"""A session and its tariff to its cost: the one place where a session is priced."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from math import floor

import msgspec

from ledger.session.events import Authority, Cost, RatedLine, SessionEnded, SessionRated, SessionStarted
from ledger.session.pricing import Pricing, slots_by_series, used_price
from ledger.session.readings import readings_of
from ledger.session.state import Session
from ledger.tariff.model import Dimension, PriceLimit, TaxIncluded
from ledger.tariff.periods import charging_periods
from ledger.tariff.pricer import price
from ledger.tariff.readings import Readings
from ledger.tariff.report import Cost as ExactCost
from ledger.tariff.report import LimitLine, Line, Report, total_of
from ledger.values.money import exact_to_text, exponent, fraction_to_text, round_to_minor
from ledger.values.offsets import utc_offsets
from ledger.values.time import from_us

TOTALS: dict[str, tuple[Dimension, ...]] = {
    dimension.value: (dimension,)
    for dimension in (Dimension.ENERGY, Dimension.TIME, Dimension.PARKING_TIME, Dimension.FLAT)
}

RESERVATION_TOTAL = {"RESERVATION": (Dimension.RESERVATION_TIME, Dimension.RESERVATION_FLAT)}

ENERGY_PLACES_MIN = 3  # a watt-hour is what people expect to read


def price_session(session: Session, started: SessionStarted, ended: SessionEnded, pricing: Pricing) -> Report:
    """The cost of the session, and of its reservation, with its lines. Raises as `price_readings` does."""
    return price_readings(readings_of(session, started, ended), pricing)


def price_readings(readings: Readings, pricing: Pricing) -> Report:
    """The cost of readings, with its lines.

    It rests on the spot prices that it names and on no others: where nothing flowed, a known price can still change
    the order of the lines. ValueError when a register falls, PriceMissingError where energy flowed and no slot has
    its price.
    """
    periods = charging_periods(readings, pricing.tariff)
    report = price(pricing.tariff, periods, pricing.policies, pricing.slots)
    if not pricing.tariff.series:
        return report
    return price(pricing.tariff, periods, pricing.policies, slots_by_series(report.spot_prices))


def rate_session(session: Session, pricing: Pricing, readings: Readings | None = None) -> SessionRated:
    """The session's cost, as the revision that would be the next one.

    `readings`: the session's, where the caller has them already. Raises ValueError for a session that has not ended, or
    whose register falls; PriceMissingError.
    """
    started, ended = session.started, session.ended
    if started is None or ended is None:
        raise ValueError("a session that has not ended has no cost")
    revision = 1 if session.rated is None else session.rated.revision + 1
    known = readings_of(session, started, ended) if readings is None else readings
    rated = _rated(started, ended, price_readings(known, pricing), revision)
    day_cap = pricing.tariff.tariff.extensions.day_cap
    if day_cap is not None:
        rated = msgspec.structs.replace(rated, day_cap=_day_cap(day_cap, rated.currency))
    substituted = session.reported.keys() - session.converted
    return msgspec.structs.replace(rated, substituted=tuple(sorted(substituted))) if substituted else rated


def is_same_cost(rated: SessionRated, last: SessionRated | None) -> bool:
    """Whether the last revision says the same."""
    return last is not None and _content(last) == _content(rated)


def _rated(started: SessionStarted, ended: SessionEnded, report: Report, revision: int) -> SessionRated:
    if started.tariff_pin is None:
        raise ValueError(f"session {started.session_id} has no tariff")
    authority = authority_of(started, report)
    cost = _cost(report.excl_minor, report.incl_minor)
    return SessionRated(
        tenant=started.tenant,
        session_id=started.session_id,
        revision=revision,
        occurred_at=ended.occurred_at,
        started_at=started.occurred_at,
        ended_at=ended.occurred_at,
        location_id=started.location_id,
        evse_uid=started.evse_uid,
        country=started.country,
        time_zone=started.time_zone,
        energy_milliwh=ended.register_milliwh - started.register_milliwh,
        currency=report.currency,
        tariff_pin=started.tariff_pin,
        authority=authority,
        amount_minor=_amount(cost, authority),
        cost=cost,
        lines=tuple(_lines(report)),
        policies=report.policies.as_dict(),
        exact_excl=_exact(report.excl),
        exact_incl=_exact(report.incl),
        totals=_totals(report, started),
        account_id=started.account_id,
        payment_id=started.payment_id,
        station_id=started.station_id,
        operator_id=started.operator_id,
        seller=started.seller,
        terms=started.terms,
        utc_offsets=utc_offsets(started.time_zone, from_us(int(report.start_us)), ended.occurred_at),
        vat_unknown=_vat_unknown(report),
        groups=started.groups,
        spot_prices=tuple(map(used_price, report.spot_prices)),
    )


def authority_of(started: SessionStarted, report: Report) -> Authority:
    """Gross where the tariff's prices include tax or the payer is a consumer (an ad-hoc one too), else net."""
    is_consumer = started.terms is None or started.terms.kind == "CONSUMER"
    wants_gross = is_consumer or report.tax_included is TaxIncluded.YES
    return "GROSS" if wants_gross and report.incl is not None else "NET"


def _content(rated: SessionRated) -> SessionRated:
    """What must differ for a new revision: anything but its number, and what holds the session."""
    return msgspec.structs.replace(rated, revision=0, holds=())


def _lines(report: Report) -> Iterable[RatedLine]:
    """One line for each dimension, unit price and rate, in the order in which they were first used."""
    groups: dict[tuple[str, object, object], list[Line]] = {}
    for line in report.lines:
        groups.setdefault((line.dimension, line.unit_price, line.vat_percent), []).append(line)
    for lines in groups.values():
        yield _line(lines)


def _line(lines: list[Line]) -> RatedLine:
    first, total = lines[0], total_of(lines)
    measured = sum((line.quantity for line in lines[1:]), first.quantity)
    is_as_measured = all(line.volume == line.billed_volume for line in lines)
    billed = measured if is_as_measured else sum((line.billed_quantity for line in lines), Fraction(0))
    quantity = _quantity(measured, first.dimension)
    amount = total.excl if total.excl is not None else total.incl
    return RatedLine(
        dimension=first.dimension.value,
        quantity=quantity,
        billed_quantity=quantity if billed == measured else _quantity(billed, first.dimension),
        unit=first.unit.value,
        unit_price=fraction_to_text(amount or Fraction(0)) if first.unit_price is None else f"{first.unit_price:f}",
        vat_percent=None if first.vat_percent is None else f"{first.vat_percent:f}",
        excl_vat=_exact(total.excl),
        incl_vat=_exact(total.incl),
    )


def _quantity(quantity: Fraction, dimension: Dimension | LimitLine) -> str:
    return fraction_to_text(quantity, min_places=ENERGY_PLACES_MIN if dimension is Dimension.ENERGY else 0)


def _vat_unknown(report: Report) -> tuple[str, ...]:
    """Dimensions that name no rate; where a whole side is unknown, every dimension that was used.

    What costs nothing needs no rate.
    """
    if not any(line.excl or line.incl for line in report.lines):
        return ()
    unknown = {report.lines[place].dimension.value for place in report.lines_without_vat}
    if report.excl is None or report.incl is None:
        unknown |= {line.dimension.value for line in report.lines}
    return tuple(sorted(unknown))


def _totals(report: Report, started: SessionStarted) -> dict[str, Cost]:
    """The rounded cost by OCPI's totals; what was not used costs nothing on the sides that are known.

    There is one for the reservation, its time and its fee together, only where there is a reservation.
    """
    used = {line.dimension for line in report.lines}
    nothing = _cost(None if report.excl is None else 0, None if report.incl is None else 0)
    wanted = TOTALS if started.reservation is None else TOTALS | RESERVATION_TOTAL
    return {
        name: nothing if used.isdisjoint(parts) else _total(report.cost_of(*parts), report.currency)
        for name, parts in wanted.items()
    }


def _day_cap(limit: PriceLimit, currency: str) -> Cost:
    """In whole minor units, rounded down: a cap is never exceeded."""
    return _cost(_minor_below(limit.excl_vat, currency), _minor_below(limit.incl_vat, currency))


def _minor_below(amount: Decimal | None, currency: str) -> int | None:
    return None if amount is None else floor(Fraction(amount) * 10 ** exponent(currency))


def _total(cost: ExactCost, currency: str) -> Cost:
    return _cost(_minor(cost.excl, currency), _minor(cost.incl, currency))


def _cost(excl_minor: int | None, incl_minor: int | None) -> Cost:
    return Cost(excl_minor=excl_minor, incl_minor=incl_minor)


def _amount(cost: Cost, authority: Authority) -> int:
    preferred = cost.incl_minor if authority == "GROSS" else cost.excl_minor
    amount = preferred if preferred is not None else cost.incl_minor
    if amount is None:
        raise ValueError("a priced session has no amount on either side of tax")
    return amount


def _minor(amount: Fraction | None, currency: str) -> int | None:
    return None if amount is None else round_to_minor(amount, currency)


def _exact(amount: Fraction | None) -> str | None:
    return None if amount is None else exact_to_text(amount)
