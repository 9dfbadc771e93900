"""What a page says about meters."""

from typing import Any

from projections.meters.meter_changes import METER_CONFIGURATIONS, METER_REPLACEMENTS
from projections.meters.metered_sessions import METERED_SESSIONS
from tests.unit.projections.facts import configured, ended, replaced, started
from tests.unit.projections.pages import rows_of


def test_a_session_stands_on_its_meter_from_register_to_register() -> None:
    (start,), (end,), *_ = rows_of(METERED_SESSIONS, ("s", started()), ("s", ended(22_500_000)))
    assert (start["meter_id"], start["first_register_milliwh"]) == ("M1", 1_000_000)
    assert (end["stream_id"], end["last_register_milliwh"]) == (start["stream_id"], 22_500_000)


def test_an_end_whose_start_is_on_an_earlier_page_changes_its_row() -> None:
    starts, ends, *_ = rows_of(METERED_SESSIONS, ("s", ended(22_500_000)))
    assert (starts, len(ends)) == ([], 1)


def test_the_last_end_of_a_session_counts() -> None:
    _, (end,), *_ = rows_of(METERED_SESSIONS, ("s", ended(2_000_000)), ("s", ended(3_000_000, minutes=70)))
    assert end["last_register_milliwh"] == 3_000_000


def test_a_replacement_is_a_row_with_both_registers() -> None:
    ((row,),) = rows_of(METER_REPLACEMENTS, ("m", replaced("M2", "M3", first_register_milliwh=7)))
    found = row["meter_id"], row["last_register_milliwh"], row["new_meter_id"], row["first_register_milliwh"]
    assert found == ("M2", 1_000_000, "M3", 7)


def test_the_last_configuration_of_each_meter_counts() -> None:
    facts = [("a", configured("A", 5)), ("b", configured("B", 6)), ("a", configured("A", None))]
    ((*rows,),) = rows_of(METER_CONFIGURATIONS, *facts)
    moduli: dict[str, Any] = {row["meter_id"]: row["roll_over_milliwh"] for row in rows}
    assert moduli == {"A": None, "B": 6}
