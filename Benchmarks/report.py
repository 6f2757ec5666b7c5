"""Prints the measurements as a Markdown table."""

import statistics
from dataclasses import dataclass, field


@dataclass
class Row:
    """A quantity of which less is better: samples by the name of the measured program. `promise` is its upper limit."""

    name: str
    unit: str
    ours: list
    others: dict = field(default_factory=dict)
    promise: str = ""


def number(value):
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def cell(samples, unit):
    if not samples:
        return "—"
    middle, low, high = statistics.median(samples), min(samples), max(samples)
    spread = f" ({number(low)}–{number(high)})" if len(samples) > 1 else ""
    return f"{number(middle)} {unit}{spread}"


def table(rows):
    lines = ["| what | promised | gscoordinator | others | ratio |", "|---|---|---|---|---|"]
    for row in rows:
        ours = statistics.median(row.ours)
        others = [f"{name}: {cell(samples, row.unit)}" for name, samples in row.others.items() if samples]
        ratios = [f"{number(statistics.median(samples) / ours)}×" for samples in row.others.values() if samples and ours]
        lines.append(
            f"| {row.name} | {row.promise or '—'} | {cell(row.ours, row.unit)} "
            f"| {'<br>'.join(others) or '—'} | {'<br>'.join(ratios) or '—'} |"
        )
    return "\n".join(lines)
