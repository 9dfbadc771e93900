"""A session's signed readings to a judgement: the verdict on each, and why the session may not be billed by them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from ledger.meter.ocmf.record import Record
from ledger.meter.ocmf.transaction import BEGIN, END_MARKS, Code, check_transaction
from ledger.meter.ocmf.verify import Keys, Verdict, verify_text
from ledger.meter.policy import HOLD_CODES, SignaturePolicy, signature_policy, standing
from ledger.meter.signed_value import SIGNED_VALUE_DIFFERS, Stated, differences
from ledger.meter.state import Meter
from ledger.store.fact import Value

OCMF: Final = "OCMF"

# All codes that a judgement holds by.
SIGNATURE_CODES: Final = frozenset({*HOLD_CODES.values(), SIGNED_VALUE_DIFFERS, *(code.value for code in Code)})


class SignedReading(msgspec.Struct, frozen=True):
    """A reading of the session with what was signed beside it; `message` names it in a judgement."""

    message: str
    stated: Stated
    encoding: str
    data: str
    carried_key: str | None = None


class MeteredSession(msgspec.Struct, frozen=True, kw_only=True):
    """An ended session as its meter counted it.

    `begin` and `end` are the registers that are billed; `country` is where the session stood; `by_time`: some price
    of it goes by time; `last_pages`: the last page per context that the meter used before (`check_transaction`).
    """

    begin: Stated
    end: Stated
    readings: tuple[SignedReading, ...]
    country: str
    by_time: bool
    last_pages: Mapping[str, int] = {}


class ReadingVerdict(Value, frozen=True):
    """The verdict on one reading, named by its message."""

    message: str
    verdict: Verdict


class SignatureHold(Value, frozen=True):
    """Why the session may not be billed: a code, the message or record it rests on, and a sentence."""

    code: str
    because: str
    text: str


class Judgement(Value, frozen=True):
    """All verdicts, all reasons to hold, and the name of the policy that they follow from."""

    policy: str
    verdicts: tuple[ReadingVerdict, ...] = ()
    holds: tuple[SignatureHold, ...] = ()

    @property
    def lacks_key(self) -> bool:
        """Whether a key that is registered later may give another verdict."""
        return any(standing(each.verdict) in ("no_key", "carried") for each in self.verdicts)


class _Judged(msgspec.Struct, frozen=True):
    reading: SignedReading
    verdict: Verdict
    record: Record | None


def judge(session: MeteredSession, meter: Meter) -> Judgement:
    """What the signatures of an ended session mean for its bill."""
    law = None if meter.configured is None else meter.configured.legal_metering
    policy = signature_policy(session.country, law)
    judged = [_Judged(reading, *verify_reading(reading, meter)) for reading in session.readings]
    holds = [
        *_by_verdict(judged, policy),
        *_by_difference(judged),
        *_uncovered(session, judged, policy),
        *_by_finding(session, judged, policy),
    ]
    verdicts = tuple(ReadingVerdict(each.reading.message, each.verdict) for each in judged)
    return Judgement(policy.name, verdicts, tuple(holds))


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


def _by_finding(session: MeteredSession, judged: Sequence[_Judged], policy: SignaturePolicy) -> Iterator[SignatureHold]:
    records = [each.record for each in judged if each.record is not None]
    for finding in check_transaction(records, session.last_pages):
        if policy.holds(finding.code, by_time=session.by_time):
            yield SignatureHold(finding.code.value, finding.record, finding.text)


def _uncovered(session: MeteredSession, judged: Sequence[_Judged], policy: SignaturePolicy) -> Iterator[SignatureHold]:
    """Where the law asks for signed metering, both registers that are billed must be signed ones."""
    if policy.unsigned == "bill":
        return
    usable = [each.record for each in judged if each.record is not None and policy.of(each.verdict) == "bill"]
    for name, stated, marks in (("begin", session.begin, {BEGIN}), ("end", session.end, END_MARKS)):
        if not _is_signed(stated, marks, usable):
            yield SignatureHold(HOLD_CODES["unsigned"], name, f"no usable signature shows the register at the {name}")


def _is_signed(stated: Stated, marks: Collection[str], records: Sequence[Record]) -> bool:
    return any(
        reading.transaction in marks and reading.energy_milliwh == stated.register_milliwh
        for record in records
        for reading in record.readings
        if reading.is_import_register or reading.is_import_of_transaction
    )
