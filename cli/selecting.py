"""Which actions `postern cancel` and `postern replay` are about: the options they share, and the
selection made of them.

What must not go in: what is done to the actions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from cli.recipient import configured_regions, recipient
from core.clock import Clock, from_rfc3339
from core.configuration import parse_duration
from core.journal.operator import Selection
from core.journal.states import State

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--id", "ids", multiple=True, metavar="ac_...", help="This action; repeatable."),
    click.option("--event", "ref", metavar="ev_...", help="The actions of this event."),
    click.option("--rule", metavar="ID", help="Those that this rule planned."),
    click.option("--provider", metavar="NAME", help="Those of this provider."),
    click.option("--source", metavar="NAME", help="Those of this source's events."),
    click.option(
        "--to", metavar="PHONE", help="Whom they reach: a number in any form, an address."
    ),
    click.option("--since", metavar="WHEN", help="Seen from then on: RFC 3339, or `2h` (ago)."),
    click.option("--until", metavar="WHEN", help="Seen before: RFC 3339, or `10m` (ago)."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """The options as they were given."""

    ids: tuple[str, ...]
    ref: str | None
    rule: str | None
    provider: str | None
    source: str | None
    to: str | None
    since: str | None
    until: str | None


def selection_options(states: frozenset[State], default: frozenset[State]) -> Callable[..., Any]:
    """The options of a selection; `--state` takes those states in which something can be done."""
    shown = ", ".join(sorted(state.value for state in default))

    def add(command: Command) -> Command:
        decorated: Command = click.option(
            "--state",
            "states",
            multiple=True,
            type=click.Choice(sorted(state.value for state in states)),
            help=f"Only those in this state; repeatable.  [default: {shown}]",
        )(command)
        for option in reversed(_OPTIONS):
            decorated = option(decorated)
        return decorated

    return add


def selection_of(
    picked: Picked,
    states: frozenset[State],
    *,
    config: Path | None,
    clock: Clock,
    changed_before: datetime | None = None,
) -> Selection:
    """Raises UsageError unless something narrows it down: nobody means every action there is."""
    since = moment_of(picked.since, "--since", clock)
    until = moment_of(picked.until, "--until", clock)
    if since is not None and until is not None and since >= until:
        raise click.UsageError("--since is not before --until")
    to = picked.to
    if to is not None:
        to = recipient(to, configured_regions(config))
    found = Selection(
        states=states,
        ids=picked.ids,
        ref=picked.ref,
        source=picked.source,
        provider=picked.provider,
        rule=picked.rule,
        to=to,
        since=since,
        until=until,
        changed_before=changed_before,
    )
    if not found.names_something:
        raise click.UsageError(
            "say which actions: --id, --event, --rule, --provider, --source, --to, --since or "
            "--until"
        )
    return found


def moment_of(text: str | None, option: str, clock: Clock) -> datetime | None:
    """RFC 3339, or how long ago. Raises UsageError."""
    if text is None:
        return None
    try:
        ago: timedelta = parse_duration(text)
        return clock.now() - ago
    except ValueError:
        pass
    except OverflowError:
        raise click.UsageError(f"{option}: that is too long ago") from None
    try:
        return from_rfc3339(text)
    except ValueError:
        raise click.UsageError(
            f"{option}: expected a time such as 2026-11-22T10:00:00Z, or 2h for two hours ago"
        ) from None
