"""Double entry: facts to balanced journal entries, a pure function."""

from ledger.posting.entry import Account, JournalEntry, Posting, UnbalancedEntryError
from ledger.posting.rules import POSTED, journal_entry

__all__ = ["POSTED", "Account", "JournalEntry", "Posting", "UnbalancedEntryError", "journal_entry"]
