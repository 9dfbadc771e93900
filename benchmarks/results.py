"""The table of the last full run, with the machine it was taken on."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_machine

RESULTS = Path(__file__).parent / "RESULTS.md"

HEADER = """# Results

Made by `make bench`; the ratios count, not the rates. Each limit was taken in the same run on the same machine.

- `ingest`: records in memory to stored, rated facts; limit: binary COPY of the very same rows into a table with the
  same indexes; both the best of five, taken in turns. `naive_per_s`: one aggregate save for each message with the
  library's own recorder.
- `rebuild`: all projections from nothing; limit: reading the same rows in pages of 5,000 without decoding. `ratio` is
  for the sessions log, `ratio_all` for both logs.
- `bill`: rated sessions to issued invoices (`events` are sessions); limit: binary COPY of the invoices' rows.
- `kafka`: a consumer end to end on a real broker; limit: a bare loop of poll and COPY of the raw bytes, with the client
  as it comes; the best of three. One consumer reads ahead in a second process. `two_to_one`: two consumers to one
  (`alone_per_s`) where each reads for itself, as reading ahead takes the core that the second one needs.
- `rate`: sessions of 20 readings under a tariff of 4 elements to a report (`events` are sessions); `second_rater_per_s`
  is the independent rater of the tests, which must name the same amounts. `running_to_once`: the cost after each of
  200 readings, as a multiple of pricing once at the end.
- `ocmf`: texts of signed records to verdicts, secp256r1; limit: the bare library call on the same signatures.
"""

MAIN_COLUMNS = ("events", "events_per_s", "limit_per_s", "ratio", "peak_rss_mb")


def write_results(figures: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Replace benchmarks/RESULTS.md."""
    lines = [HEADER, f"{datetime.now(UTC):%Y-%m-%d}, {describe_machine()}", ""]
    lines += [f"| benchmark | {' | '.join(MAIN_COLUMNS)} | more |", "|---|" + "---:|" * len(MAIN_COLUMNS) + "---|"]
    lines += [_row(name, found) for name, found in figures]
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _row(name: str, found: dict[str, Any]) -> str:
    columns = " | ".join(_shown(found.get(column)) for column in MAIN_COLUMNS)
    more = ", ".join(f"{key} {_shown(value)}" for key, value in found.items() if key not in MAIN_COLUMNS)
    return f"| {name} | {columns} | {more} |"


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else str(value)
