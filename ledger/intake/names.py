"""The name of a message, its source and id: the same content again is a repeat, other content a conflict."""

import msgspec

from ledger.account.events import AccountFact
from ledger.intake.message import Message, content_sha256
from ledger.intake.subject import Subject
from ledger.session.decide import unpinned
from ledger.session.events import SessionStarted
from ledger.store.fact import FromMessage
from ledger.values.refusal import RefusedError, RepeatedError

CONFLICT = "another message with the same source and id has other content"


def refuse_known_name(subject: Subject, message: Message) -> None:
    """Of a message that was just read. Raises RepeatedError or RefusedError where its name is known."""
    name = (message.fact.source, message.fact.message_id)
    seen = subject.seen.get(name)
    if seen is None and not (subject.parked and name in subject.parked):
        return
    content = content_sha256(message.fact)
    if seen is not None and content == content_sha256(_as_proposed(seen, message.fact)):
        raise RepeatedError
    if content in subject.parked.get(name, ()):
        raise RepeatedError
    raise RefusedError(CONFLICT)


def refuse_stored_name(subject: Subject, message: Message) -> None:
    """Of a message that was parked, so that only facts can tell. Raises RepeatedError or RefusedError."""
    seen = subject.seen.get((message.fact.source, message.fact.message_id))
    if seen is None:
        return
    if content_sha256(message.fact) == content_sha256(_as_proposed(seen, message.fact)):
        raise RepeatedError
    raise RefusedError(CONFLICT)


def _as_proposed(stored: FromMessage, proposal: FromMessage) -> FromMessage:
    """The stored fact as its message proposed it: without what the ledger added."""
    if isinstance(stored, SessionStarted):
        return unpinned(stored)
    if isinstance(stored, AccountFact) and isinstance(proposal, AccountFact):
        return type(proposal)(**msgspec.structs.asdict(stored))
    return stored
