"""Facts about one charging session, in the sessions log.

Instants are aware datetimes in UTC. Registers and energies are integer milliwatt-hours, power is integer
milliwatts, current (the sum over the phases) integer microamperes: all exact for the six decimals that a
message may carry. `occurred_at` is the time at the source; the store adds `recorded_at`.
"""

from datetime import datetime
from typing import Literal

import msgspec

from ledger.account.events import Terms
from ledger.meter.judging import Judgement
from ledger.session.plausibility.rules import Policy, Rules
from ledger.store.fact import Fact, FromMessage, Value, topic

ChargingState = Literal["Charging", "SuspendedEV", "SuspendedEVSE", "EVConnected", "Idle"]
Authority = Literal["NET", "GROSS"]


class Personal(Value, frozen=True, kw_only=True):
    """Fields about a person, kept together so that they can be encrypted per person."""

    person_id: str
    token_uid: str | None = None
    cdr_token: dict[str, object] | None = None


class Reservation(Value, frozen=True, kw_only=True):
    from_: datetime = msgspec.field(name="from")
    until: datetime
    expired: bool


class Signed(Value, frozen=True, kw_only=True):
    """A signed meter value; `data` is kept byte for byte as the station sent it."""

    encoding: str
    data: str
    public_key: str | None = None


class TariffPin(Value, frozen=True, kw_only=True):
    """The tariff version that prices the session, fixed when its start was handled."""

    tariff_id: str
    tariff_version: int
    tariff_hash: str


class TariffChoice(Value, frozen=True, kw_only=True):
    """Why the pinned tariff was chosen for a start that names none.

    `matched`: the keys of its `valid_for`, all of which fitted. `passed_over`: how many other tariffs fitted too, with
    a lower priority, or the same and a smaller id.
    """

    matched: tuple[str, ...] = ()
    priority: int = 0
    passed_over: int = 0


@topic("session.SessionStarted")
class SessionStarted(FromMessage, frozen=True, kw_only=True):
    """A vehicle was connected and authorised.

    `tariff_pin`, `terms` and `seller` are pinned when the start is handled: which tariff version prices the session
    (None: it is held, NO_TARIFF), under which terms it is paid (None: ad hoc), and which legal entity sells. So are
    `groups`, the payer's memberships on the day of the start, and `tariff_choice` where the tariff was chosen.
    """

    tenant: str
    session_id: str
    location_id: str
    evse_uid: str
    connector_id: str
    time_zone: str
    country: str
    meter_id: str
    register_milliwh: int
    personal: Personal
    account_id: str | None = None
    payment_id: str | None = None
    station_id: str | None = None
    operator_id: str | None = None
    legal_entity: str | None = None
    power_type: str | None = None
    power_milliw_max: int | None = None
    auth_method: str | None = None
    tariff_id: str | None = None
    reservation: Reservation | None = None
    cdr_location: dict[str, object] | None = None
    seq_no: int | None = None
    tariff_pin: TariffPin | None = None
    terms: Terms | None = None
    seller: str | None = None
    groups: tuple[str, ...] = ()
    tariff_choice: TariffChoice | None = None


@topic("session.MeterRecorded")
class MeterRecorded(FromMessage, frozen=True, kw_only=True):
    """The meter's import register at an instant (not the energy of the session)."""

    register_milliwh: int
    context: str | None = None
    power_milliw: int | None = None
    current_microa: int | None = None
    soc_percent: str | None = None
    seq_no: int | None = None
    signed: Signed | None = None


@topic("session.StateChanged")
class StateChanged(FromMessage, frozen=True, kw_only=True):
    """The charging state, in OCPP 2.0.1's words."""

    charging_state: ChargingState
    seq_no: int | None = None


@topic("session.SessionEnded")
class SessionEnded(FromMessage, frozen=True, kw_only=True):
    """The session is over. `estimated`: its end never came, a tick closed it at its last sample."""

    register_milliwh: int
    reason: str | None = None
    seq_no: int | None = None
    signed: Signed | None = None
    estimated: bool = False


class HoldReason(Value, frozen=True, kw_only=True):
    """Why a session may not be billed: a code, and the message (`source id`) it rests on."""

    code: str
    because: str


class Verdict(Value, frozen=True, kw_only=True):
    """What a plausibility rule found: a reason, what it leads to, and what was measured, in words.

    `readings` are the messages (`source id`) on either side of what was found, the one in `because` among them.
    """

    code: str
    because: str
    policy: Policy
    readings: tuple[str, ...] = ()
    found: str = ""


@topic("session.SessionHeld")
class SessionHeld(Fact, frozen=True, kw_only=True):
    """The session may not be billed until each of the pairs of code and message is settled.

    `verdicts` are what plausibility found behind them, judged by the rules in `plausibility`.
    """

    tenant: str
    session_id: str
    occurred_at: datetime
    reasons: tuple[HoldReason, ...]
    verdicts: tuple[Verdict, ...] = ()
    plausibility: Rules | None = None


@topic("session.SessionNoted")
class SessionNoted(Fact, frozen=True, kw_only=True):
    """What plausibility found that keeps nobody from billing the session."""

    tenant: str
    session_id: str
    occurred_at: datetime
    verdicts: tuple[Verdict, ...]
    plausibility: Rules


@topic("session.SessionReleased")
class SessionReleased(Fact, frozen=True, kw_only=True):
    """These pairs hold the session no longer. A cost follows where nothing else does.

    `because` says what settled them. With an `actor` (a person, or a tick) the pairs are settled for good: only a new
    one holds again. Without one the ledger found them gone, and would find them again. `still_held` are the codes that
    are left. A session that was waived may be billed again.
    """

    tenant: str
    session_id: str
    occurred_at: datetime
    reasons: tuple[HoldReason, ...]
    because: str
    actor: str | None = None
    still_held: tuple[str, ...] = ()


@topic("session.SessionWaived")
class SessionWaived(Fact, frozen=True, kw_only=True):
    """The session is not billed, whatever comes; `reasons` are the pairs that held it. Finance may release it still."""

    tenant: str
    session_id: str
    occurred_at: datetime
    reasons: tuple[HoldReason, ...]
    because: str
    actor: str


@topic("session.RegisterSubstituted")
class RegisterSubstituted(Fact, frozen=True, kw_only=True):
    """From now on another register counts in place of the one that a message (`reading`: `source id`) reported.

    The message's own fact stays as it is; `reported_milliwh` repeats what it says.
    """

    tenant: str
    session_id: str
    occurred_at: datetime
    reading: str
    register_milliwh: int
    reported_milliwh: int
    because: str
    actor: str


class ConvertedRegister(Value, frozen=True, kw_only=True):
    """A message's (`source id`) register as it counts, as its meter showed it, and as the message reported it.

    The first two differ where the register was continued over a roll-over or an exchange, the last two by a unit.
    """

    reading: str
    register_milliwh: int
    shown_milliwh: int
    reported_milliwh: int


@topic("session.RegistersConverted")
class RegistersConverted(Fact, frozen=True, kw_only=True):
    """From now on these registers, and no others, count as converted by what is known of the meter.

    `because` names what that is: the unit, the number at which the register rolls over, the message of an exchange. The
    messages' own facts stay as they are, and a register that a person put in place stays too.
    """

    tenant: str
    session_id: str
    occurred_at: datetime
    meter_id: str
    registers: tuple[ConvertedRegister, ...]
    because: tuple[str, ...]


@topic("session.SignaturesVerified")
class SignaturesVerified(Fact, frozen=True, kw_only=True):
    """What the signatures of an ended session are worth, by the keys of its meter that were known then.

    Of several the last counts. `judgement` has the verdict on each signed reading, and each reason to hold.
    """

    tenant: str
    session_id: str
    occurred_at: datetime
    meter_id: str
    judgement: Judgement


class UsedPrice(Value, frozen=True, kw_only=True):
    """The spot price of a slot under which energy flowed: from an instant until another one, a decimal text."""

    series: str
    from_: datetime = msgspec.field(name="from")
    until: datetime
    per_kwh: str


class RatedLine(Value, frozen=True, kw_only=True):
    """What one unit price and VAT rate of one dimension contributes; amounts are exact texts.

    `quantity` is measured, `billed_quantity` after step_size; `unit` is KWH, HOUR or SESSION. `excl_vat` and
    `incl_vat` are decimal texts, or `n/d` where no finite decimal exists.
    """

    dimension: str
    quantity: str
    billed_quantity: str
    unit: str
    unit_price: str
    vat_percent: str | None = None
    excl_vat: str | None = None
    incl_vat: str | None = None


class Cost(Value, frozen=True, kw_only=True):
    """A cost on both sides of tax, in minor units after the policy's rounding; a side may be unknown."""

    excl_minor: int | None = None
    incl_minor: int | None = None


@topic("session.SessionRated")
class SessionRated(Fact, frozen=True, kw_only=True):
    """The session's cost, with all that billing needs, so that no reader has to open the stream.

    `revision` counts 1, 2, 3 … per session; the highest counts. `authority` says which side of tax is
    authoritative and `amount_minor` is the rounded total of that side. `exact_excl`/`exact_incl` are the
    totals before rounding. `policies` names the rounding and every other open reading that was used. `vat_unknown`
    names the dimensions that were used without a tax rate; `holds` the codes that keep the session from being billed.
    `groups` are the payer's memberships that discounts and mark-ups were applied for. `totals` has a RESERVATION only
    where the session had one. `day_cap` is what the tariff lets an account's sessions of a day cost at most, which
    billing applies. `substituted` are the messages (`source id`) whose registers a person replaced. `spot_prices` are
    the values that energy was priced at; a later revision takes them again, whatever was published since.
    """

    tenant: str
    session_id: str
    revision: int
    occurred_at: datetime
    started_at: datetime
    ended_at: datetime
    location_id: str
    evse_uid: str
    country: str
    time_zone: str
    energy_milliwh: int
    currency: str
    tariff_pin: TariffPin
    authority: Authority
    amount_minor: int
    cost: Cost
    lines: tuple[RatedLine, ...]
    policies: dict[str, str]
    exact_excl: str | None = None
    exact_incl: str | None = None
    totals: dict[str, Cost] = msgspec.field(default_factory=dict)
    account_id: str | None = None
    payment_id: str | None = None
    station_id: str | None = None
    operator_id: str | None = None
    seller: str | None = None
    terms: Terms | None = None
    utc_offsets: tuple[str, ...] = ()
    vat_unknown: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    day_cap: Cost | None = None
    substituted: tuple[str, ...] = ()
    spot_prices: tuple[UsedPrice, ...] = ()
