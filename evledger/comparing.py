"""Sums and a picture of what another tariff would change."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ledger.audit.whatif import Change
from ledger.values.money import exponent, minor_to_text

HISTOGRAM_BINS = 60  # as many bars as a screen shows apart


class Sums:
    """Differences by account, station and in total; how often each difference occurs (the picture needs no more)."""

    def __init__(self) -> None:
        self.sessions = 0
        self.not_comparable = 0
        self.before: Counter[str] = Counter()
        self.after: Counter[str] = Counter()
        self.by_account: Counter[tuple[str, str]] = Counter()
        self.by_station: Counter[tuple[str, str]] = Counter()
        self.differences: Counter[tuple[str, int]] = Counter()

    def add(self, change: Change) -> None:
        """Count one session."""
        self.sessions += 1
        if change.after_minor is None or change.difference_minor is None:
            self.not_comparable += 1
            return
        currency, difference = change.currency, change.difference_minor
        self.before[currency] += change.before_minor
        self.after[currency] += change.after_minor
        self.by_account[change.account_id or "ad hoc", currency] += difference
        self.by_station[change.station_id or "unknown", currency] += difference
        self.differences[currency, difference] += 1

    def to_json(self) -> dict[str, Any]:
        """The sums as decimal texts."""
        return {
            "sessions": self.sessions,
            "not_comparable": self.not_comparable,
            "before": _texts(self.before.items()),
            "after": _texts(self.after.items()),
            "difference": _texts((c, self.after[c] - self.before[c]) for c in self.before),
            "accounts": _groups(self.by_account),
            "stations": _groups(self.by_station),
        }


def change_json(change: Change) -> dict[str, Any]:
    """One session's change."""
    difference = change.difference_minor
    return {
        "session_id": change.session_id,
        "account_id": change.account_id,
        "station_id": change.station_id,
        "currency": change.currency,
        "side": "after_tax" if change.side == "GROSS" else "before_tax",
        "before": minor_to_text(change.before_minor, change.currency),
        "after": None if change.after_minor is None else minor_to_text(change.after_minor, change.currency),
        "difference": None if difference is None else minor_to_text(difference, change.currency),
    }


def plot(sums: Sums, path: Path) -> None:
    """The distribution of differences per session as PNG or SVG, by the file's ending. Raises OSError, ValueError."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for currency in sorted({currency for currency, _ in sums.differences}):
        counted = {d: n for (c, d), n in sums.differences.items() if c == currency}
        scale = 10 ** exponent(currency)
        values = [difference / scale for difference in counted]  # a picture may round
        label = f"{currency}: {minor_to_text(sums.after[currency] - sums.before[currency], currency)} in all"
        axes.hist(values, bins=HISTOGRAM_BINS, weights=list(counted.values()), alpha=0.7, label=label)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(title=f"Difference per session, {sums.sessions:,} sessions", xlabel="difference", ylabel="sessions")
    axes.legend()
    figure.savefig(path)


def _texts(amounts: Iterable[tuple[str, int]]) -> dict[str, str]:
    return {currency: minor_to_text(amount, currency) for currency, amount in sorted(amounts)}


def _groups(sums: Counter[tuple[str, str]]) -> list[dict[str, str]]:
    ordered = sorted(sums.items(), key=lambda item: (-abs(item[1]), item[0]))
    return [
        {"id": name, "currency": currency, "difference": minor_to_text(amount, currency)}
        for (name, currency), amount in ordered
    ]
