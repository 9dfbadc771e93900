"""A rated session as an OCPI CDR: written at OCPI's precision, then priced from what was written."""

from datetime import datetime
from typing import Any, NamedTuple

from ledger.cdr.cdr_tariff import Published, cdr_tariff
from ledger.cdr.decimals import instant_text
from ledger.cdr.fields import faults
from ledger.cdr.party import Party, party_of
from ledger.cdr.prices import cost_of_lines, total_cost
from ledger.cdr.signed import signed_data
from ledger.cdr.tariffs import CdrTariffs
from ledger.cdr.totals import PARTIAL_COSTS, lines_of_total
from ledger.cdr.version import OcpiVersion
from ledger.cdr.written_periods import Written, written
from ledger.session.events import SessionEnded, SessionRated, SessionStarted
from ledger.session.readings import readings_of
from ledger.session.state import Session
from ledger.tariff.cdr import cdr_periods
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.model import TaxIncluded
from ledger.tariff.periods import charging_periods
from ledger.tariff.policy import OPTIONS, policies_of
from ledger.tariff.pricer import price
from ledger.tariff.report import Report
from ledger.values.time import to_us


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
    cdr = {**_head(source, described, version), "charging_periods": described.objects}
    unsaid = _unsaid(cdr["tariffs"][0], source.tariff, version)
    if unsaid is not None:
        return WrittenCdr(cdr, (unsaid,), None)
    report = _priced(cdr, source, tariffs)
    cdr |= {**_signed(source), **_totals(described, report, version), "last_updated": _instant(source.rated_at)}
    return WrittenCdr(cdr, tuple(faults(cdr, version)), report)


def _unsaid(tariff: dict[str, Any], compiled: CompiledTariff, version: OcpiVersion) -> str | None:
    """What of the tariff has no words in a version of OCPI, so that whoever reads the CDR would price it wrongly."""
    if version is OcpiVersion.V2_2_1 and tariff.get("tax_included") == TaxIncluded.YES:
        return "tariffs[0].tax_included YES has no word in OCPI 2.2.1: write version 2.3.0"
    if compiled.series:
        return f"tariffs[0].elements follow the spot prices {', '.join(compiled.series)}, which OCPI has no words for"
    return None


def _priced(cdr: dict[str, Any], source: RatedSession, tariffs: CdrTariffs) -> Report:
    """What a partner computes who reads the CDR: its periods under its tariff, by the session's policies."""
    compiled = tariffs.of(cdr["tariffs"][0], source.rated.time_zone)
    known = {name: value for name, value in source.rated.policies.items() if value in OPTIONS.get(name, ())}
    return price(compiled, cdr_periods(cdr, compiled.tariff), policies_of(known))


def differs_from_rating(cdr: WrittenCdr, rated: SessionRated) -> bool:
    """Whether the CDR, priced from what was written, costs other than the session's rating, on any known side."""
    if cdr.report is None:
        return False
    cost = rated.cost
    return (cdr.report.excl_minor, cdr.report.incl_minor) != (cost.excl_minor, cost.incl_minor)


def cdr_id(rated: SessionRated) -> str:
    """The session's id; a later revision of its cost is another CDR, as a CDR is never changed."""
    return rated.session_id if rated.revision == 1 else f"{rated.session_id}-{rated.revision}"


def _head(source: RatedSession, described: Written, version: OcpiVersion) -> dict[str, Any]:
    started, rated = source.started, source.rated
    party = party_of(started.operator_id, source.tariff_content)
    content = {
        "country_code": party.country_code,
        "party_id": party.party_id,
        "id": cdr_id(rated),
        "start_date_time": instant_text(described.start_us),
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
    published = Published(source.tariff_content, tariff_id, source.published_at, source.tariff.groups)
    return cdr_tariff(published, party, version)


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


def _signed(source: RatedSession) -> dict[str, Any]:
    signed = signed_data(source.session, source.started, source.ended)
    return {} if signed is None else {"signed_data": signed}


def _totals(described: Written, report: Report, version: OcpiVersion) -> dict[str, Any]:
    totals: dict[str, Any] = {
        "total_cost": total_cost(report, version),
        "total_energy": described.energy,
        "total_time": described.total_time,
        "total_parking_time": described.total_parking_time,
    }
    for name in PARTIAL_COSTS:
        lines = lines_of_total(name, report.lines)
        if lines:
            totals[name] = cost_of_lines(lines, version)
    return totals


def _instant(instant: datetime) -> str:
    return instant_text(to_us(instant))
