"""A session's signed readings to a judgement: the verdict on each, and why the session may not be billed by them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final, TypeVar

import msgspec

from ledger.meter.ocmf.record import Record
from ledger.meter.ocmf.transaction import BEGIN, END_MARKS, Code, check_transaction, page_ranges
from ledger.meter.ocmf.verify import Keys, Verdict, verify_text
from ledger.meter.policy import HOLD_CODES, SignaturePolicy, signature_policy, standing
from ledger.meter.signed_value import SIGNED_VALUE_DIFFERS, Stated, differences
from ledger.meter.state import Meter
from ledger.store.fact import Value

OCMF: Final = "OCMF"

# All codes that a judgement holds by.
SIGNATURE_CODES: Final = frozenset({*HOLD_CODES.values(), SIGNED_VALUE_DIFFERS, *(code.value for code in Code)})


Part = TypeVar("Part")


class SignedReading(msgspec.Struct, frozen=True):
    """A reading of the session with what was signed beside it; `message` names it in a judgement."""

    message: str
    stated: Stated
    encoding: str
    data: str
    carried_key: str | None = None


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """What one meter counted of a session: a leg of its own begins where the meter was exchanged.

    `begin` and `end` are the registers that are billed, `names` what they are called in a hold; `meter` is what is
    known of the meter `meter_id`; `last_pages`: the last page per context that it used before this session.
    """

    meter_id: str
    meter: Meter
    begin: Stated
    end: Stated
    readings: tuple[SignedReading, ...] = ()
    last_pages: Mapping[str, int] = {}
    names: tuple[str, str] = ("begin", "end")


class MeteredSession(msgspec.Struct, frozen=True, kw_only=True):
    """An ended session as it was counted, leg by leg.

    `country` is where the session stood; `by_time`: some price of it goes by time.
    """

    legs: tuple[Leg, ...]
    country: str
    by_time: bool


class ReadingVerdict(Value, frozen=True):
    """The verdict on one reading, named by its message."""

    message: str
    verdict: Verdict


class SignatureHold(Value, frozen=True):
    """Why the session may not be billed: a code, the message or record it rests on, and a sentence."""

    code: str
    because: str
    text: str


class UsedPages(Value, frozen=True, kw_only=True):
    """The pages of one context that a meter signed in a session, and the last one that it was known to have used before
    (None: nothing is known of it).
    """

    meter_id: str
    context: str
    first: int
    last: int
    before: int | None = None


class Judgement(Value, frozen=True):
    """All verdicts, all reasons to hold, the name of the policy that they follow from, and the pages that were used."""

    policy: str
    verdicts: tuple[ReadingVerdict, ...] = ()
    holds: tuple[SignatureHold, ...] = ()
    pages: tuple[UsedPages, ...] = ()

    @property
    def lacks_key(self) -> bool:
        """Whether a key that is registered later may give another verdict."""
        return any(standing(each.verdict) in ("no_key", "carried") for each in self.verdicts)


class _Judged(msgspec.Struct, frozen=True):
    reading: SignedReading
    verdict: Verdict
    record: Record | None


def judge(session: MeteredSession) -> Judgement:
    """What the signatures of an ended session mean for its bill."""
    judgements = [_judge_leg(session, leg) for leg in session.legs]
    return Judgement(
        ", ".join(dict.fromkeys(each.policy for each in judgements)),
        _joined(each.verdicts for each in judgements),
        _joined(each.holds for each in judgements),
        _joined(each.pages for each in judgements),
    )


def _joined(parts: Iterable[tuple[Part, ...]]) -> tuple[Part, ...]:
    return tuple(chain.from_iterable(parts))


def _judge_leg(session: MeteredSession, leg: Leg) -> Judgement:
    law = None if leg.meter.configured is None else leg.meter.configured.legal_metering
    policy = signature_policy(session.country, law)
    judged = [_Judged(reading, *verify_reading(reading, leg.meter)) for reading in leg.readings]
    records = [each.record for each in judged if each.record is not None]
    holds = [
        *_by_verdict(judged, policy),
        *_by_difference(judged),
        *_uncovered(leg, judged, policy),
        *_by_finding(leg, records, policy, by_time=session.by_time),
    ]
    verdicts = tuple(ReadingVerdict(each.reading.message, each.verdict) for each in judged)
    return Judgement(policy.name, verdicts, tuple(holds), tuple(_used_pages(leg, records)))


def _used_pages(leg: Leg, records: Sequence[Record]) -> Iterator[UsedPages]:
    """Of all records that can be read: which pages a meter used rests on what it sent, not on which keys are known."""
    for context, (first, last) in sorted(page_ranges(records).items()):
        before = leg.last_pages.get(context)
        yield UsedPages(meter_id=leg.meter_id, context=context, first=first, last=last, before=before)


def verify_reading(reading: SignedReading, meter: Meter) -> tuple[Verdict, Record | None]:
    """By the key that signs at the instant of the reading; a format that nobody here reads is unsupported."""
    if reading.encoding != OCMF:
        return Verdict(outcome="unsupported", reason=f"signatures in {reading.encoding} are not verified"), None
    registered = meter.key_at(reading.stated.taken_at)
    keys = Keys(() if registered is None else (registered.public_key,), reading.carried_key)
    return verify_text(reading.data, keys)


def _by_verdict(judged: Sequence[_Judged], policy: SignaturePolicy) -> Iterator[SignatureHold]:
    for each in judged:
        if policy.of(each.verdict) == "hold":
            yield SignatureHold(HOLD_CODES[standing(each.verdict)], each.reading.message, each.verdict.reason)


def _by_difference(judged: Sequence[_Judged]) -> Iterator[SignatureHold]:
    for each in judged:
        for difference in differences(each.reading.stated, each.record) if each.record is not None else ():
            yield SignatureHold(SIGNED_VALUE_DIFFERS, each.reading.message, str(difference))


def _by_finding(
    leg: Leg, records: Sequence[Record], policy: SignaturePolicy, *, by_time: bool
) -> Iterator[SignatureHold]:
    for finding in check_transaction(records, leg.last_pages):
        if policy.holds(finding.code, by_time=by_time):
            yield SignatureHold(finding.code.value, finding.record, finding.text)


def _uncovered(leg: Leg, judged: Sequence[_Judged], policy: SignaturePolicy) -> Iterator[SignatureHold]:
    """Where the law asks for signed metering, both registers that are billed must be signed ones."""
    if policy.unsigned == "bill":
        return
    usable = [each.record for each in judged if each.record is not None and policy.of(each.verdict) == "bill"]
    for name, stated, marks in zip(leg.names, (leg.begin, leg.end), ({BEGIN}, END_MARKS), strict=True):
        if not _is_signed(stated, marks, usable):
            yield SignatureHold(HOLD_CODES["unsigned"], name, f"no usable signature shows the register at the {name}")


def _is_signed(stated: Stated, marks: Collection[str], records: Sequence[Record]) -> bool:
    return any(
        reading.transaction in marks and reading.energy_milliwh == stated.register_milliwh
        for record in records
        for reading in record.readings
        if reading.is_import_register or reading.is_import_of_transaction
    )
