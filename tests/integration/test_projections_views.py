"""What finance reads: figures that hold together, under a role that can do nothing else."""

import threading
from datetime import date
from decimal import Decimal

import psycopg
import pytest
from psycopg import sql

from projections.projector import Projector
from projections.rebuild import rebuild
from tests.integration.appending import append, append_all
from tests.integration.mixed_facts import mixed_facts
from tests.integration.read_side import select
from tests.unit.projections.facts import ended, held, invoiced_session, issued, rated, started, totals
from tests.waiting import wait_until

DAY = date(2026, 11, 2)
REGISTER = "SELECT sum(net_minor) AS n, sum(vat_minor) AS v, sum(gross_minor) AS g FROM finance.invoice_register"
OWED = [("customer_balances", "balance_minor"), ("ar_open_items", "open_minor"), ("ar_ageing", "open_minor")]
BUILDING = "SELECT name FROM projection.positions WHERE NOT live"
VIEWS = "SELECT viewname FROM pg_views WHERE schemaname = 'finance' ORDER BY 1"
CATEGORIES = "SELECT ended, billed, pending, held, waived, free, unexplained FROM finance.completeness"
WRITES = [
    "DELETE FROM finance.invoice_register",
    "UPDATE finance.invoice_register SET net_minor = 0",
    "CREATE VIEW finance.mine AS SELECT 1 AS n",
    "CREATE TABLE finance.mine (n int)",
    "CREATE OR REPLACE VIEW finance.trial_balance AS SELECT 1 AS n",
    "SELECT * FROM projection.session_costs",
    "SELECT * FROM projection.outbox",
    "SELECT projection.drop_generation('session_costs', 1)",
]
FORBIDDEN = {
    "evledger_finance": ["SELECT * FROM ledger.session_events", "SELECT * FROM ledger.parked_messages", *WRITES],
    "evledger_auditor": ["DELETE FROM ledger.session_events", *WRITES],
    "evledger_app": ["DELETE FROM ledger.session_events", *WRITES],
    "evledger_projector": ["DELETE FROM ledger.session_events", "UPDATE ledger.charges SET held = false"],
}


def status(url: str, session_id: str) -> str:
    rows = select(url, "SELECT session_id, status FROM finance.session_costs")
    return str({row["session_id"]: row["status"] for row in rows}[session_id])


@pytest.fixture
def mixed_url(database_url: str) -> str:
    """A database with a mix of facts, projected."""
    append_all(database_url, mixed_facts(seed=6, sessions=80))
    Projector(database_url).catch_up()
    return database_url


def test_a_session_goes_from_active_to_billed(database_url: str) -> None:
    seen = []
    for log, fact in (("session", started()), ("session", ended()), ("session", rated()), ("billing", issued())):
        append(database_url, "session" if log == "session" else "billing", (log, fact))
        Projector(database_url).catch_up()
        seen.append(status(database_url, "S1"))
    assert seen == ["ACTIVE", "ENDED", "RATED", "BILLED"]


def test_a_held_session_is_not_free_and_a_billed_one_stays_billed(database_url: str) -> None:
    append(database_url, "session", ("a", started("A")), ("a", ended()), ("a", rated("A", 0)))
    append(database_url, "session", ("b", started("B")), ("b", ended()), ("b", rated("B", 0)), ("b", held("B", "X")))
    append(database_url, "session", ("c", started("C")), ("c", ended()), ("c", rated("C")), ("c", held("C", "X")))
    append(database_url, "billing", ("i", issued(nets={"C": 645})))
    Projector(database_url).catch_up()
    assert [status(database_url, name) for name in "ABC"] == ["FREE", "HELD", "BILLED"]


def test_completeness_counts_each_category_by_itself(database_url: str) -> None:
    for name, code, net in (("A", None, 645), ("B", None, 700), ("C", "X", 645), ("D", None, 0)):
        append(database_url, "session", (name, started(name)), (name, ended()), (name, rated(name, net)))
        if code:
            append(database_url, "session", (name, held(name, code)))
    append(database_url, "session", ("E", started("E")))
    append(database_url, "billing", ("i", issued(nets={"A": 645})))
    Projector(database_url).catch_up()
    assert select(database_url, CATEGORIES) == [
        {"ended": 4, "billed": 1, "pending": 1, "held": 1, "waived": 0, "free": 1, "unexplained": 0}
    ]


def test_a_session_in_no_category_or_on_two_documents_is_named(database_url: str) -> None:
    append(database_url, "session", ("a", started("A")), ("a", ended()))
    append(database_url, "session", ("b", started("B")), ("b", ended()), ("b", rated("B")))
    append(database_url, "billing", ("i", issued(1, {"B": 645})), ("i", issued(2, {"B": 645})))
    Projector(database_url).catch_up()
    named = select(database_url, "SELECT session_id, documents FROM finance.completeness_unexplained ORDER BY 1")
    assert named == [{"session_id": "A", "documents": 0}, {"session_id": "B", "documents": 2}]
    (figures,) = select(database_url, CATEGORIES)
    assert (figures["ended"], figures["unexplained"]) == (2, 2)


@pytest.mark.parametrize(("revised_minor", "due"), [(645, False), (646, True)])
def test_a_later_revision_is_due_for_correction_only_if_the_amount_changed(
    database_url: str, revised_minor: int, due: bool
) -> None:
    append(database_url, "session", ("s", started()), ("s", ended()), ("s", rated()))
    append(database_url, "billing", ("i", issued()))
    append(database_url, "session", ("s", rated(excl_minor=revised_minor, revision=2)))
    Projector(database_url).catch_up()
    (row,) = select(database_url, "SELECT status, correction_due, invoice_number FROM finance.session_costs")
    assert row == {"status": "BILLED", "correction_due": due, "invoice_number": "ABC-NL-2026-000001"}


def test_a_cost_whose_side_of_tax_became_unknown_is_replaced_whole(database_url: str) -> None:
    append(database_url, "session", ("s", started()), ("s", ended()), ("s", rated()))
    Projector(database_url).catch_up()
    revised = rated(revision=2, cost=rated().cost.__class__(excl_minor=645))
    append(database_url, "session", ("s", revised))
    Projector(database_url).catch_up()
    assert select(database_url, "SELECT excl_minor, incl_minor FROM finance.session_costs") == [
        {"excl_minor": 645, "incl_minor": None}
    ]


def test_holds_of_several_pages_add_up(database_url: str) -> None:
    for fact in (started(), held("S1", "B"), held("S1", "A", "B")):
        append(database_url, "session", ("s", fact))
        Projector(database_url).catch_up()
    assert select(database_url, "SELECT held_codes FROM finance.session_costs") == [{"held_codes": ["A", "B"]}]


def test_revenue_by_every_key_adds_up_to_the_register(mixed_url: str) -> None:
    (register,) = select(mixed_url, "SELECT sum(net_minor) AS net FROM finance.invoice_register")
    assert register["net"] > 0
    for key in ("day", "station", "tariff", "operator"):
        query = f"SELECT sum(net_minor) AS net, sum(sessions) AS sessions FROM finance.revenue_by_{key}"  # noqa: S608
        (revenue,) = select(mixed_url, query)
        (billed,) = select(mixed_url, "SELECT count(*) AS n FROM finance.session_costs WHERE status = 'BILLED'")
        assert (revenue["net"], revenue["sessions"]) == (register["net"], billed["n"])


def test_the_books_balance_and_agree_with_the_register(mixed_url: str) -> None:
    (sums,) = select(mixed_url, "SELECT sum(debit_minor) AS d, sum(credit_minor) AS c FROM finance.gl_journal")
    assert sums["d"] == sums["c"] > 0
    balances = {
        row["account"]: row["balance_minor"]
        for row in select(mixed_url, "SELECT account, balance_minor FROM finance.trial_balance")
    }
    (register,) = select(mixed_url, REGISTER)
    assert balances == {"receivable": register["g"], "revenue": -register["n"], "vat_payable": -register["v"]}


def test_customer_balances_and_open_items_add_up_to_the_receivable(mixed_url: str) -> None:
    (receivable,) = select(mixed_url, "SELECT balance_minor FROM finance.trial_balance WHERE account = 'receivable'")
    for view, column in (
        ("customer_balances", "balance_minor"),
        ("ar_open_items", "open_minor"),
        ("ar_ageing", "open_minor"),
    ):
        (total,) = select(mixed_url, f"SELECT sum({column}) AS minor FROM finance.{view}")  # noqa: S608
        assert total["minor"] == receivable["balance_minor"]


def test_vat_by_country_adds_up_to_the_register(mixed_url: str) -> None:
    (register,) = select(mixed_url, REGISTER)
    rows = select(mixed_url, "SELECT country, net_minor, vat_minor FROM finance.vat_by_country_rate")
    assert {row["country"] for row in rows} == {"NL", "BE"}
    assert sum(row["net_minor"] for row in rows) == register["n"]
    assert sum(row["vat_minor"] for row in rows) == register["v"]


def test_earned_is_billed_and_unbilled(mixed_url: str) -> None:
    (earned,) = select(mixed_url, "SELECT sum(net_minor) AS net FROM finance.earned_by_day")
    (unbilled,) = select(mixed_url, "SELECT coalesce(sum(net_minor), 0) AS net FROM finance.unbilled")
    (register,) = select(mixed_url, "SELECT sum(net_minor) AS net FROM finance.invoice_register")
    assert earned["net"] == register["net"] + unbilled["net"]


def test_energy_is_exact_to_six_decimals(database_url: str) -> None:
    sessions = tuple(invoiced_session(name, 1, energy_milliwh=energy) for name, energy in (("A", 1), ("B", 2)))
    append(database_url, "billing", ("i", issued(nets={"A": 1, "B": 1}, sessions=sessions, totals=totals(2, 0))))
    Projector(database_url).catch_up()
    (row,) = select(database_url, "SELECT day, energy_kwh FROM finance.revenue_by_day")
    assert row == {"day": DAY, "energy_kwh": Decimal("0.000003")}


def test_finance_reads_every_view_while_one_is_rebuilt(mixed_url: str) -> None:
    views = [row["viewname"] for row in select(mixed_url, VIEWS)]
    assert len(views) >= 17
    thread = threading.Thread(target=rebuild, args=[mixed_url, ["revenue"]])
    with psycopg.connect(mixed_url) as slow_reader:
        slow_reader.execute("SELECT FROM finance.revenue_by_day")
        thread.start()
        wait_until(lambda: select(mixed_url, BUILDING, "evledger_projector"), "the new generation")
        for view in views:
            assert "tenant" in columns_of(mixed_url, view)
        assert select(mixed_url, BUILDING, "evledger_projector")
    thread.join(timeout=60)
    assert not select(mixed_url, BUILDING, "evledger_projector")


def columns_of(url: str, view: str) -> set[str]:
    with psycopg.connect(url) as connection:
        connection.execute("SET ROLE evledger_finance")
        description = connection.execute(sql.SQL("SELECT * FROM finance.{}").format(sql.Identifier(view))).description
        return {column.name for column in description or []}


@pytest.mark.parametrize("role", FORBIDDEN)
def test_a_role_can_do_nothing_but_its_own(database_url: str, role: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        for statement in FORBIDDEN[role]:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


def test_tenants_do_not_mix(database_url: str) -> None:
    append(database_url, "session", ("a", started()), ("a", ended()), ("a", rated()))
    append(database_url, "session", ("b", started(tenant="other")), ("b", ended()), ("b", rated(tenant="other")))
    append(database_url, "billing", ("i", issued(tenant="other")))
    Projector(database_url).catch_up()
    rows = select(database_url, "SELECT tenant, status FROM finance.session_costs ORDER BY tenant")
    assert rows == [{"tenant": "default", "status": "RATED"}, {"tenant": "other", "status": "BILLED"}]
