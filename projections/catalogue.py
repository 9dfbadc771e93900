"""All projections, by name: what can be rebuilt, and which finance views each feeds."""

from projections.balances.customer_balances import CUSTOMER_BALANCES
from projections.invoices.billed_sessions import BILLED_SESSIONS
from projections.invoices.lines import INVOICE_LINES
from projections.invoices.register import INVOICE_REGISTER
from projections.invoices.vat import INVOICE_VAT
from projections.journal.gl_journal import GL_JOURNAL
from projections.meters.meter_changes import METER_CONFIGURATIONS, METER_REPLACEMENTS
from projections.meters.metered_sessions import METERED_SESSIONS
from projections.outbox.outbox import OUTBOX
from projections.projection import Follower, Projection
from projections.revenue.revenue import REVENUE
from projections.sessions.session_costs import SESSION_COSTS

PROJECTIONS: dict[str, Projection] = {
    projection.name: projection
    for projection in (
        SESSION_COSTS,
        INVOICE_REGISTER,
        INVOICE_LINES,
        INVOICE_VAT,
        BILLED_SESSIONS,
        GL_JOURNAL,
        CUSTOMER_BALANCES,
        REVENUE,
        METERED_SESSIONS,
        METER_REPLACEMENTS,
        METER_CONFIGURATIONS,
    )
}

# All that the projector feeds.
FOLLOWERS: tuple[Follower, ...] = (*PROJECTIONS.values(), *OUTBOX)

# Views of other names, and the tables they are computed from: `rebuild` takes these names too.
FED_BY: dict[str, tuple[str, ...]] = {
    "trial_balance": ("gl_journal",),
    "ar_open_items": ("invoice_register",),
    "ar_ageing": ("invoice_register",),
    "vat_by_country_rate": ("invoice_vat",),
    "revenue_by_day": ("revenue",),
    "revenue_by_station": ("revenue",),
    "revenue_by_tariff": ("revenue",),
    "revenue_by_operator": ("revenue",),
    "earned_by_day": ("session_costs", "billed_sessions"),
    "unbilled": ("session_costs", "billed_sessions"),
    "completeness": ("session_costs", "billed_sessions"),
    "completeness_unexplained": ("session_costs", "billed_sessions"),
    "meter_chain": ("metered_sessions", "meter_replacements", "meter_configurations"),
    "meter_energy": ("metered_sessions", "meter_replacements", "meter_configurations"),
}


class UnknownProjectionError(ValueError):
    """No projection of that name, or one that cannot be made anew; the message lists the names."""


def tables_for(names: list[str]) -> list[Projection]:
    """The projections behind these names of tables or views, each once. Raises UnknownProjectionError."""
    chosen = [table for name in names for table in _tables_of(name)]
    return [PROJECTIONS[table] for table in dict.fromkeys(chosen)]


def _tables_of(name: str) -> tuple[str, ...]:
    if name == "outbox":
        raise UnknownProjectionError("the outbox is never rebuilt: what was said stays said (publish --from resends)")
    if name not in PROJECTIONS and name not in FED_BY:
        known = ", ".join([*PROJECTIONS, *FED_BY])
        raise UnknownProjectionError(f"no projection {name}: one of {known}")
    return FED_BY.get(name, (name,))
