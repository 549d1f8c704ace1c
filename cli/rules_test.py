"""`postern rules test`."""

from __future__ import annotations

from pathlib import Path

import click

from cli.fixtures import Fixture, differences, fixture_files, read_fixtures
from cli.output import plain
from cli.rules_check import load
from cli.rules_try import event_of, first_source
from core.clock import SystemClock
from gateway.events.fields import parse_time
from gateway.rules.plan import Rules


@click.command("test")
@click.argument("file", type=click.Path(path_type=Path))
def command(file: Path) -> None:
    """Run the fixtures beside the rules: events, and the actions that are expected of them.

    They stand in postern.test.yaml beside postern.yaml, or in any *.test.yaml of a directory. Exit
    1 if one is not as expected.

    Example: postern rules test postern.yaml
    """
    rules = load(file)
    source = first_source(file)
    failed = 0
    fixtures = [fixture for each in fixture_files(file) for fixture in read_fixtures(each)]
    for fixture in fixtures:
        problems = run(fixture, rules, source)
        failed += bool(problems)
        print(f"{'FAILED' if problems else 'ok'}  {plain(fixture.name)}")
        for problem in problems:
            print(f"        {plain(problem)}")
    print(f"{len(fixtures) - failed} as expected, {failed} not")
    raise SystemExit(1 if failed else 0)


def run(fixture: Fixture, rules: Rules, default_source: str) -> list[str]:
    """Plan a fixture's event as if it arrived when it happened, and compare."""
    event = event_of(
        fixture.event,
        fixture.source or default_source,
        place=fixture.name,
        now=parse_time(fixture.event.get("time")) or SystemClock().now(),
    )
    return differences(fixture.expect, rules.plan(event).actions)
