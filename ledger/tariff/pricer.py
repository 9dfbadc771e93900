"""The rating function: a compiled tariff and charging periods to a report. Pure, exact, without a clock."""

from collections.abc import Sequence
from fractions import Fraction

from ledger.tariff.bounds import bound_lines
from ledger.tariff.charging_period import ChargingPeriod
from ledger.tariff.compiled import CompiledTariff
from ledger.tariff.model import Tariff, TaxIncluded
from ledger.tariff.report import Cost, Line, Report, total_of
from ledger.tariff.running import RunningLine, run
from ledger.tariff.steps import round_up_steps
from ledger.values.exact import Exact


def price(compiled: CompiledTariff, periods: Sequence[ChargingPeriod]) -> Report:
    """The cost of a session whose charging periods follow each other without a gap.

    The session starts with the first period; its energy counts from zero. ValueError without any period.
    """
    if not periods:
        raise ValueError("a session without charging periods has no cost")
    tariff, first, last = compiled.tariff, periods[0], periods[-1]
    running = run(compiled, periods)
    round_up_steps(running)
    names_tax = _names_tax(tariff, running.lines)
    lines = [_line(line, tariff.tax_included, names_tax) for line in running.lines]
    total = total_of(lines) if lines else Cost(Fraction(0), Fraction(0) if names_tax else None)
    bounds = bound_lines(compiled, lines, total, first.start_us, last.end_us)
    total = total_of([*lines, *bounds]) if bounds else total
    return Report(
        currency=tariff.currency,
        tax_included=tariff.tax_included,
        time_zone=compiled.time_zone,
        start_us=first.start_us,
        end_us=last.end_us,
        energy_milliwh=last.end_energy_milliwh - first.start_energy_milliwh,
        parking_us=running.parking_us,
        lines=(*lines, *bounds),
        excl=total.excl,
        incl=total.incl,
        price_min=tariff.price_min,
        price_max=tariff.price_max,
        lines_without_vat=_lines_without_vat(tariff, lines),
    )


def _names_tax(tariff: Tariff, lines: list[RunningLine]) -> bool:
    """Whether there is an amount after tax: a used component or a bound names a tax, or prices include it."""
    if tariff.tax_included is not TaxIncluded.NO:
        return tariff.tax_included is TaxIncluded.YES
    return any(line.rate.tax_factor is not None for line in lines) or any(
        limit is not None and limit.incl_vat is not None for limit in (tariff.price_min, tariff.price_max)
    )


def _lines_without_vat(tariff: Tariff, lines: list[Line]) -> tuple[int, ...]:
    if tariff.tax_included is TaxIncluded.NOT_APPLICABLE:
        return ()
    return tuple(place for place, line in enumerate(lines) if line.vat_percent is None)


def _line(line: RunningLine, tax_included: TaxIncluded, names_tax: bool) -> Line:
    rate, volume = line.rate, line.volume
    billed_volume = volume + line.surplus if line.surplus else volume
    amount = _amount(rate.price_numerator, rate.price_denominator, billed_volume)
    cost = _cost(amount, rate.tax_factor, tax_included, names_tax)
    return Line(
        rate.dimension,
        rate.element,
        line.start_us,
        line.end_us,
        volume,
        billed_volume,
        rate.price,
        rate.vat_percent,
        cost.excl,
        cost.incl,
        rate.because + rate.because_step if line.surplus else rate.because,
    )


def _cost(amount: Fraction, factor: tuple[int, int] | None, tax_included: TaxIncluded, names_tax: bool) -> Cost:
    if tax_included is TaxIncluded.YES:
        return Cost(_before_tax(amount, factor), amount)
    return Cost(amount, _after_tax(amount, factor) if names_tax else None)


def _amount(numerator: int, denominator: int, volume: Exact) -> Fraction:
    return Fraction(numerator * volume.numerator, denominator * volume.denominator)


def _after_tax(amount: Fraction, factor: tuple[int, int] | None) -> Fraction:
    """A component that names no rate adds no tax."""
    if factor is None:
        return amount
    return Fraction(amount.numerator * factor[0], amount.denominator * factor[1])


def _before_tax(amount: Fraction, factor: tuple[int, int] | None) -> Fraction | None:
    """What a price that includes tax is without it; unknown where the component names no rate."""
    if factor is None:
        return None
    return Fraction(amount.numerator * factor[1], amount.denominator * factor[0])
