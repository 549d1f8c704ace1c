"""`postern pause` and `postern resume`: a provider or a rule that is to stand still."""

from __future__ import annotations

import asyncio
import difflib
import sys
from pathlib import Path

import click

from cli.journal import operating
from cli.operating import who_option
from cli.options import providers_of, settings_of, settings_options
from cli.output import plain
from cli.rules_check import load
from core.errors import ConfigurationError
from core.journal.operator import Pausable
from core.settings import Settings

_KIND = click.argument("kind", type=click.Choice([kind.value for kind in Pausable]))
_LONGEST = 64


@click.command("pause")
@_KIND
@click.argument("name")
@click.option("--force", is_flag=True, help="Also a name that the configuration does not know.")
@who_option
@settings_options
def pause(
    kind: str, name: str, *, force: bool, who: str, config: Path | None, data: Path | None
) -> None:
    """Stop calls: of a provider, or of what one rule plans. In force within two seconds.

    Events are accepted meanwhile, and their actions wait; nothing counts as a failed attempt. A
    call that is under way is finished. It stands until `postern resume`, also over restarts.

    Example: postern pause rule welcome
    """
    settings = settings_of(config, data)
    _check(Pausable(kind), name, settings.config, force=force)
    asyncio.run(_pause(settings, Pausable(kind), name, who))
    print(f"{kind} {plain(name)} is paused.")


@click.command("resume")
@_KIND
@click.argument("name")
@who_option
@settings_options
def resume(kind: str, name: str, *, who: str, config: Path | None, data: Path | None) -> None:
    """Let a paused provider or rule go on. What waited for it is carried out within seconds.

    Exit 1 if it was not paused.

    Example: postern resume rule welcome
    """
    settings = settings_of(config, data)
    if not asyncio.run(_resume(settings, Pausable(kind), name, who)):
        print(f"{kind} {plain(name)} was not paused.", file=sys.stderr)
        raise SystemExit(1)
    print(f"{kind} {plain(name)} goes on.")


def _check(kind: Pausable, name: str, config: Path, *, force: bool) -> None:
    """A mistyped name would pause nothing while somebody believes that it does."""
    if not 1 <= len(name) <= _LONGEST or not name.isprintable():
        raise click.UsageError(f"NAME: expected 1 to {_LONGEST} printable characters")
    try:
        known = _known(kind, config)
    except ConfigurationError as error:
        # With --force also then: what calls wrongly has to stop, whatever became of the file.
        if not force:
            raise
        problem = str(error)
    else:
        if name in known:
            return
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        problem = f"the configuration has no {kind.value} {plain(name)}{hint}"
        if not force:
            raise click.UsageError(f"{problem} (--force pauses it all the same)")
    print(f"warning: {problem}", file=sys.stderr)


def _known(kind: Pausable, config: Path) -> list[str]:
    if kind is Pausable.PROVIDER:
        return list(providers_of(config))
    return [rule.id for rule in load(config).rules]


async def _pause(settings: Settings, kind: Pausable, name: str, who: str) -> None:
    async with operating(settings) as journal:
        await journal.pause(kind, name, who=who)


async def _resume(settings: Settings, kind: Pausable, name: str, who: str) -> bool:
    async with operating(settings) as journal:
        return await journal.resume(kind, name, who=who)
