"""CDRs of a partner, from a few lines."""

from typing import Any

from ledger.cdr.comparing import Comparison, compare
from ledger.cdr.foreign import read_foreign
from ledger.cdr.tariffs import CdrTariffs
from ledger.values.canonical import read_json_decimals

Json = dict[str, Any]


def read(text: str) -> Any:
    return read_json_decimals(text)


PERIODS = """[{"start_date_time": "2026-10-05T08:00:00Z", "tariff_id": "T-1",
               "dimensions": [{"type": "ENERGY", "volume": 12.5}, {"type": "TIME", "volume": 1}]}]"""
TARIFF = """{"id": "T-1", "currency": "EUR", "elements": [{"price_components": [
             {"type": "ENERGY", "price": 0.25, "vat": 20, "step_size": 1}]}]}"""


def cdr(total_cost: str = '{"excl_vat": 3.13, "incl_vat": 3.75}', **changes: str) -> Json:
    """A CDR of 12.5 kWh at 0.25, 3.125 before tax; changes are JSON texts, "" leaves a field out."""
    fields = {
        "id": '"C-1"',
        "start_date_time": '"2026-10-05T08:00:00Z"',
        "end_date_time": '"2026-10-05T09:00:00Z"',
        "currency": '"EUR"',
        "cdr_location": '{"country": "NLD"}',
        "tariffs": f"[{TARIFF}]",
        "charging_periods": PERIODS,
        "total_cost": total_cost,
        "total_energy": "12.5",
        "total_time": "1",
    }
    texts = [f'"{name}": {text}' for name, text in (fields | changes).items() if text]
    content: Json = read("{" + ", ".join(texts) + "}")
    return content


def compared(content: Json, tariff_given: object = None, time_zone_given: str | None = None) -> Comparison:
    return compare(read_foreign(content, CdrTariffs(), tariff_given, time_zone_given))


def differing(comparison: Comparison) -> list[str]:
    return [difference.name for difference in comparison.differences]
