"""A rated session as an OCPI CDR: written at OCPI's precision, then priced from what was written."""

from datetime import datetime
from typing import Any, Final, NamedTuple

from ledger.cdr.cdr_tariff import cdr_tariff
from ledger.cdr.decimals import instant_text
from ledger.cdr.fields import faults
from ledger.cdr.party import Party, party_of
from ledger.cdr.prices import cost_of_lines, total_cost
from ledger.cdr.signed import signed_data
from ledger.cdr.tariffs import CdrTariffs
from ledger.cdr.version import OcpiVersion
from ledger.cdr.written_periods import Written, written
from ledger.session.events import SessionEnded, SessionRated, SessionStarted
from ledger.session.rating import readings_of
from ledger.session.state import Session
from ledger.tariff.cdr import cdr_periods
from ledger.tariff.charging_period import Kind
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.model import Dimension, TaxIncluded
from ledger.tariff.periods import charging_periods
from ledger.tariff.pricer import price
from ledger.tariff.report import Report
from ledger.values.time import to_us

_PARTIAL_COSTS: Final = {
    "total_fixed_cost": Dimension.FLAT,
    "total_energy_cost": Dimension.ENERGY,
    "total_time_cost": Dimension.TIME,
    "total_parking_cost": Dimension.PARKING_TIME,
}


class RatedSession(NamedTuple):
    """What a CDR is made of: the session, its latest cost, and its tariff as published and as compiled.

    `rated_at` is when the ledger recorded the cost; it becomes the CDR's `last_updated`.
    """

    rated: SessionRated
    rated_at: datetime
    session: Session
    started: SessionStarted
    ended: SessionEnded
    tariff: CompiledTariff
    tariff_content: dict[str, Any]
    published_at: datetime


class WrittenCdr(NamedTuple):
    """A CDR object whose numbers are int or Decimal, what OCPI finds wrong in it, and what it costs as written.

    A CDR with faults must not be sent. `report` is None where it cannot be priced.
    """

    content: dict[str, Any]
    faults: tuple[str, ...]
    report: Report | None


def write_cdr(source: RatedSession, version: OcpiVersion, tariffs: CdrTariffs) -> WrittenCdr:
    """The CDR of a rated session in a version of OCPI. ValueError when a register falls."""
    periods = charging_periods(readings_of(source.session, source.started, source.ended), source.tariff)
    described = written(periods, source.tariff, source.rated.tariff_pin.tariff_id)
    cdr = {**_head(source, version), "charging_periods": described.objects}
    if _is_taxed_inside(cdr["tariffs"][0], version):
        return WrittenCdr(cdr, ("tariffs[0].tax_included YES has no word in OCPI 2.2.1: write version 2.3.0",), None)
    compiled = tariffs.of(cdr["tariffs"][0], source.rated.time_zone)
    # What a partner computes who reads the CDR: its periods under its tariff.
    report = price(compiled, cdr_periods(cdr, compiled.tariff))
    cdr |= {**_signed(source), **_totals(described, report, version), "last_updated": _instant(source.rated_at)}
    return WrittenCdr(cdr, tuple(faults(cdr, version)), report)


def differs_from_rating(cdr: WrittenCdr, rated: SessionRated) -> bool:
    """Whether the CDR, priced from what was written, costs other than the session's rating, on any known side."""
    if cdr.report is None:
        return False
    cost = rated.cost
    return (cdr.report.excl_minor, cdr.report.incl_minor) != (cost.excl_minor, cost.incl_minor)


def cdr_id(rated: SessionRated) -> str:
    """The session's id; a later revision of its cost is another CDR, as a CDR is never changed."""
    return rated.session_id if rated.revision == 1 else f"{rated.session_id}-{rated.revision}"


def _head(source: RatedSession, version: OcpiVersion) -> dict[str, Any]:
    started, rated = source.started, source.rated
    party = party_of(started.operator_id, source.tariff_content)
    content = {
        "country_code": party.country_code,
        "party_id": party.party_id,
        "id": cdr_id(rated),
        "start_date_time": _instant(rated.started_at),
        "end_date_time": _instant(rated.ended_at),
        "session_id": rated.session_id,
        "cdr_token": _token(started),
        "auth_method": started.auth_method,
        "cdr_location": _location(started),
        "meter_id": started.meter_id,
        "currency": rated.currency,
        "tariffs": [_tariff(source, party, version)],
    }
    return {name: value for name, value in content.items() if value is not None}


def _tariff(source: RatedSession, party: Party, version: OcpiVersion) -> dict[str, Any]:
    tariff_id = source.rated.tariff_pin.tariff_id
    return cdr_tariff(source.tariff_content, tariff_id, party, source.published_at, version)


def _token(started: SessionStarted) -> dict[str, Any] | None:
    token = started.personal.cdr_token
    return None if token is None else {"uid": started.personal.token_uid, **token}


def _location(started: SessionStarted) -> dict[str, Any] | None:
    """The snapshot of the place; what it leaves out and the session knows is filled in."""
    if started.cdr_location is None:
        return None
    known = {
        "id": started.location_id,
        "evse_uid": started.evse_uid,
        "connector_id": started.connector_id,
        "connector_power_type": started.power_type,
    }
    return {**known, **started.cdr_location}


def _is_taxed_inside(tariff: dict[str, Any], version: OcpiVersion) -> bool:
    return version is OcpiVersion.V2_2_1 and tariff.get("tax_included") == TaxIncluded.YES


def _signed(source: RatedSession) -> dict[str, Any]:
    signed = signed_data(source.session, source.started, source.ended)
    return {} if signed is None else {"signed_data": signed}


def _totals(described: Written, report: Report, version: OcpiVersion) -> dict[str, Any]:
    totals: dict[str, Any] = {
        "total_cost": total_cost(report, version),
        "total_energy": described.energy,
        "total_time": described.hours(),
        "total_parking_time": described.hours(Kind.PARKING),
    }
    for name, dimension in _PARTIAL_COSTS.items():
        lines = [line for line in report.lines if line.dimension is dimension]
        if lines:
            totals[name] = cost_of_lines(lines, version)
    return totals


def _instant(instant: datetime) -> str:
    return instant_text(to_us(instant))
