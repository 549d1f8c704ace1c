"""`postern metrics`: what can be watched."""

from __future__ import annotations

import click

from cli.metrics_page import described, page
from cli.options import json_option
from cli.output import add_row, console, print_json, table


@click.command("metrics")
@click.option("--page", "as_page", is_flag=True, help="Print docs/metrics.md of this version.")
@json_option
def command(*, as_page: bool, as_json: bool) -> None:
    """List every metric, its labels and what it tells.

    Example: postern metrics
    """
    if as_page:
        print(page(), end="")
        return
    if as_json:
        print_json(
            [
                {
                    "name": metric.name,
                    "type": metric.kind,
                    "labels": metric.labels,
                    "meaning": metric.meaning,
                    "told_by": part.lower(),
                }
                for part, metrics in described().items()
                for metric in metrics
            ]
        )
        return
    shown = table("metric", "labels", "what it tells")
    for metrics in described().values():
        for metric in metrics:
            add_row(shown, metric.name, ", ".join(metric.labels), metric.meaning)
    console().print(shown)
