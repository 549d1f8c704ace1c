"""The table of a run: medians over the rounds, and ratios within each round.

Ratios are taken within a round and their median is shown: what slowed the machine for a while
slowed both sides of it. What must not go in: measuring.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median

from bench.slices import MEASURED, RAW, Case, Slice
from core.errors import ConfigurationError

START, END = "<!-- bench:start -->", "<!-- bench:end -->"

_FIGURES = ("", "per second", "90 % within", "CPU each", "of bare", "messages/s", "of raw")

Rounds = Mapping[str, Sequence[Slice]]
"""The slices of each case by its name, round by round."""


def figures(cases: Sequence[Case], rounds: Rounds) -> list[str]:
    """Rates, latencies and ratios, a line for each case."""
    rows = [_FIGURES]
    for case in cases:
        slices = rounds[case.name]
        late = _middle(each.late for each in slices)
        rows.append(
            (
                case.name,
                f"{_rate(slices):,.0f} {case.unit}",
                f"{late * 1000:.0f} ms" if late is not None else "",
                f"{median(each.cpu for each in slices) * 1_000_000:,.0f} µs",
                _ratio(slices, rounds[case.bare]) if case.bare is not None else "",
                f"{_rate(slices) * case.messages:,.0f}" if case.messages else "",
                (
                    _ratio(slices, rounds[RAW], times=case.messages)
                    if case.messages and case.name != RAW
                    else ""
                ),
            )
        )
    return markdown(rows)


def shares(cases: Sequence[Case], rounds: Rounds) -> list[str]:
    """How busy each process was, in shares of a core: who is near 100 % sets the figure."""
    names = sorted(
        {name for slices in rounds.values() for each in slices for name in each.busy},
        key=lambda name: (name != MEASURED, name),
    )
    rows: list[tuple[str, ...]] = [("share of a core", *names)]
    for case in cases:
        found = [_middle(each.busy.get(name) for each in rounds[case.name]) for name in names]
        rows.append((case.name, *(f"{share:.0%}" if share is not None else "" for share in found)))
    return markdown(rows)


def refusals(cases: Sequence[Case], rounds: Rounds) -> list[str]:
    """What was not accepted, which no rate counts."""
    counts = {case.name: sum(each.refused for each in rounds[case.name]) for case in cases}
    return [f"{name}: {count} requests were refused." for name, count in counts.items() if count]


def replace_between_markers(file: Path, text: str) -> None:
    """Raises ConfigurationError if the file has no markers."""
    before, started, rest = file.read_text(encoding="utf-8").partition(START)
    _, ended, after = rest.partition(END)
    if not started or not ended:
        raise ConfigurationError(f"expected {START} and {END} in it", file=str(file))
    file.write_text(f"{before}{START}\n{text}\n{END}{after}", encoding="utf-8")


def _rate(slices: Sequence[Slice]) -> float:
    return median(each.rate for each in slices)


def _ratio(slices: Sequence[Slice], others: Sequence[Slice], *, times: int = 1) -> str:
    pairs = zip(slices, others, strict=True)
    return f"{median(one.rate * times / other.rate for one, other in pairs):.2f}"


def _middle(values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return median(there) if there else None


def markdown(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns of one width, so that it reads well in a terminal too; figures to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]

    def line(row: tuple[str, ...]) -> str:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        return f"| {' | '.join(cells)} |"

    rule = "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])])
    return [line(rows[0]), f"|{rule}|", *(line(row) for row in rows[1:])]
