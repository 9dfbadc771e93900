"""The checks that `demo` and `audit` run: control totals, completeness, books."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from psycopg import Connection

from ledger.store.positions import PartitionTotals, control_totals, partition_totals
from ledger.values.money import minor_to_text

SESSIONS = """
SELECT count(*), count(ended_at), count(*) FILTER (WHERE status IN ('RATED', 'BILLED', 'FREE')),
       count(*) FILTER (WHERE status = 'HELD'), count(*) FILTER (WHERE status = 'BILLED')
  FROM finance.session_costs WHERE tenant = %s
"""

# Of each log, what the slowest published table has not followed yet.
BEHIND = """
SELECT coalesce(sum(greatest(0, head - position)), 0) FROM (
  SELECT min(position) AS position, CASE log WHEN 'session' THEN %s ELSE %s END AS head
    FROM projection.positions WHERE live GROUP BY log) followed
"""

COMPLETENESS = """
SELECT coalesce(sum(ended), 0), coalesce(sum(billed), 0), coalesce(sum(pending), 0), coalesce(sum(held), 0),
       coalesce(sum(waived), 0), coalesce(sum(free), 0), coalesce(sum(unexplained), 0)
  FROM finance.completeness WHERE tenant = %s
"""

BY_DAY = """
SELECT day, ended, billed, pending, held, waived, free, unexplained FROM finance.completeness WHERE tenant = %s
 ORDER BY day
"""

UNEXPLAINED = """
SELECT session_id, day, billed, pending, held, waived, free, documents FROM finance.completeness_unexplained
 WHERE tenant = %s ORDER BY day, session_id COLLATE "C"
"""

INVOICES = """
SELECT currency, count(*) FILTER (WHERE kind = 'INVOICE'), sum(sign * net_minor), sum(sign * vat_minor),
       sum(sign * gross_minor)
  FROM (SELECT *, CASE kind WHEN 'CREDIT_NOTE' THEN -1 ELSE 1 END AS sign FROM finance.invoice_register) r
 WHERE tenant = %s GROUP BY currency ORDER BY currency
"""

JOURNAL = """
SELECT currency, sum(debit_minor), sum(credit_minor) FROM finance.gl_journal WHERE tenant = %s
 GROUP BY currency ORDER BY currency
"""

OUTCOMES = ("appended", "duplicates", "parked", "discarded")

CATEGORIES = ("ended", "billed", "pending", "held", "waived", "free", "unexplained")


def session_counts(connection: Connection[Any], tenant: str) -> dict[str, int]:
    """How many sessions started, ended, were rated and may be billed, are held, are billed."""
    row = connection.execute(SESSIONS, [tenant]).fetchone() or (0,) * 5
    return dict(zip(("started", "ended", "rated", "held", "billed"), map(int, row), strict=True))


def message_counts(connection: Connection[Any]) -> dict[str, int]:
    """The control totals over all partitions."""
    totals = control_totals(connection)
    return {
        "read": totals.messages_read,
        "appended": totals.appended,
        "duplicates": totals.duplicates,
        "parked": totals.parked,
        "discarded": totals.discarded,
    }


def completeness_counts(connection: Connection[Any], tenant: str) -> dict[str, int]:
    """Ended sessions by what became of them, each counted by its own rule."""
    row = connection.execute(COMPLETENESS, [tenant]).fetchone() or (0,) * len(CATEGORIES)
    return dict(zip(CATEGORIES, map(int, row), strict=True))


def invoice_sums(connection: Connection[Any], tenant: str) -> dict[str, Any]:
    """Issued invoices, and by currency their sums less those of credit notes."""
    rows = connection.execute(INVOICES, [tenant]).fetchall()
    sums = {"net": 2, "vat": 3, "gross": 4}
    return {
        "issued": sum(row[1] for row in rows),
        **{name: {row[0]: minor_to_text(int(row[place]), row[0]) for row in rows} for name, place in sums.items()},
    }


def journal_sums(connection: Connection[Any], tenant: str) -> dict[str, dict[str, str]]:
    """Debits and credits by currency."""
    rows = connection.execute(JOURNAL, [tenant]).fetchall()
    return {
        name: {row[0]: minor_to_text(int(row[place]), row[0]) for row in rows}
        for name, place in {"debit": 1, "credit": 2}.items()
    }


def positions_behind(connection: Connection[Any], heads: tuple[int, int]) -> int:
    """How far the published tables are from these heads of the sessions and the billing log (role projector)."""
    row = connection.execute(BEHIND, heads).fetchone()
    return int(row[0]) if row else 0


def completeness(connection: Connection[Any], tenant: str) -> dict[str, Any]:
    """Both sums of `audit completeness`, whether the messages add up, and every difference by name."""
    partitions = [as_row(found) for found in partition_totals(connection)]
    unexplained = list(unexplained_sessions(connection, tenant))
    return {
        **{f"messages_{name}": count for name, count in message_counts(connection).items()},
        "messages_complete": all(row["difference"] == 0 for row in partitions),
        **completeness_counts(connection, tenant),
        "differences": [*filter(None, map(partition_difference, partitions)), *unexplained],
        "partitions": partitions,
        "days": completeness_by_day(connection, tenant),
    }


def as_row(found: PartitionTotals) -> dict[str, Any]:
    """A partition's totals and what they do not explain: above zero messages without an outcome, below with two."""
    totals = found.totals
    outcomes = totals.appended + totals.duplicates + totals.parked + totals.discarded
    place = {"consumer_group": found.group, "topic": found.topic, "partition": found.partition}
    counts = {"read": totals.messages_read, **{name: getattr(totals, name) for name in OUTCOMES}}
    return {**place, **counts, "difference": totals.messages_read - outcomes}


def partition_difference(row: Mapping[str, Any]) -> dict[str, str] | None:
    """What is wrong with a partition, None for nothing."""
    if row["difference"] == 0:
        return None
    what = f"{row['difference']:,} without an outcome" if row["difference"] > 0 else f"{-row['difference']:,} too many"
    outcomes = {name: row[name] for name in OUTCOMES}
    place = f"{row['topic']}/{row['partition']} (group {row['consumer_group']})"
    return {"name": place, "what": f"{what}: {_sum('read', row['read'], outcomes)}"}


def unexplained_sessions(connection: Connection[Any], tenant: str) -> Iterator[dict[str, str]]:
    """Ended sessions that fit no category, or several, or stand on two documents."""
    for session_id, day, *fits, documents in connection.execute(UNEXPLAINED, [tenant]).fetchall():
        names = [name for name, fitting in zip(CATEGORIES[1:-1], fits, strict=True) if fitting]
        what = f"on {documents} documents" if documents > 1 else f"fits {' and '.join(names) or 'no category'}"
        yield {"name": f"session {session_id}", "what": f"ended on {day}, {what}"}


def completeness_by_day(connection: Connection[Any], tenant: str) -> list[dict[str, Any]]:
    """Ended sessions of each day (UTC) by what became of them."""
    rows = connection.execute(BY_DAY, [tenant]).fetchall()
    return [{"day": day, **dict(zip(CATEGORIES, map(int, counts), strict=True))} for day, *counts in rows]


class Check(NamedTuple):
    """One proof: its name, the figures that it compares, and whether they agree."""

    name: str
    text: str
    holds: bool


def checks(messages: Mapping[str, int], completed: Mapping[str, int], journal: Mapping[str, Any]) -> list[Check]:
    """Control totals hold, every ended session is explained, debits are credits."""
    outcomes = {name: messages[name] for name in OUTCOMES}
    categories = {name: completed[name] for name in CATEGORIES[1:-1]}
    explained = completed["ended"] == sum(categories.values()) and not completed["unexplained"]
    return [
        Check("Messages", _sum("read", messages["read"], outcomes), messages["read"] == sum(outcomes.values())),
        Check("Sessions", _sum("ended", completed["ended"], categories), explained),
        Check("Books", f"debit {_amounts(journal['debit'])} = credit {_amounts(journal['credit'])}",
              journal["debit"] == journal["credit"]),
    ]  # fmt: skip


def _sum(name: str, whole: int, parts: Mapping[str, int]) -> str:
    return f"{whole:,} {name} = " + " + ".join(f"{count:,} {part}" for part, count in parts.items())


def _amounts(by_currency: Mapping[str, str]) -> str:
    return ", ".join(f"{amount} {currency}" for currency, amount in by_currency.items()) or "0"
