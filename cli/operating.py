"""What the commands that change something have in common: who does it, the question before it, and
what is shown meanwhile and after.

What must not go in: any change.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Mapping

import click

from cli.output import add_row, console, plain, print_json, state_text, table
from core.journal.operator import Preview
from core.journal.states import State
from core.messages import JsonObject
from gateway.operator.planning import MEANING
from gateway.operator.work import Progress, Tally

LONGEST_NAME = 64


def _name(_context: click.Context, _option: click.Parameter, given: str | None) -> str:
    if given is not None:
        if not 1 <= len(given) <= LONGEST_NAME or not given.isprintable():
            raise click.BadParameter(f"expected 1 to {LONGEST_NAME} printable characters")
        return given
    try:
        found = getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that nobody gave a name.
        found = f"uid {os.getuid()}"
    return plain(found)[:LONGEST_NAME]


who_option = click.option(
    "--as",
    "who",
    metavar="NAME",
    callback=_name,
    help="Who does it, for the audit.  [default: the user of this system]",
)
yes_option = click.option("--yes", is_flag=True, help="Do it without asking.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Only tell what would be done.")


def ask(question: str) -> None:
    """Ends the command unless somebody says yes; where nobody can be asked, it is refused."""
    if not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here: look with --dry-run, then add --yes")
    click.confirm(question, abort=True, err=True)


def progress(total: int, what: str) -> Progress:
    """A line that is written over, on a terminal; elsewhere nothing."""

    so_far = 0

    def tell(count: int) -> None:
        nonlocal so_far
        so_far += count
        if sys.stderr.isatty():
            click.echo(f"\r{so_far} of {total} {what}", nl=False, err=True)

    return tell


def end_progress() -> None:
    if sys.stderr.isatty():
        click.echo(err=True)


def print_preview(preview: Preview, states: frozenset[State], verb: str) -> None:
    rows = table("state", "actions", "")
    for state in State:
        if count := preview.states.get(state, 0):
            add_row(rows, state_text(state), count, verb if state in states else "left alone")
    console().print(rows)


def print_tally(tally: Tally, done: str) -> None:
    print(f"{tally.changed} {done}")
    for left, count in sorted(tally.left.items()):
        if count:
            print(f"{count} left: {MEANING[left]}")
    for detail in tally.details:
        print(f"  {plain(detail)}")


def print_as_json(parts: Mapping[str, JsonObject | None]) -> None:
    print_json({name: part for name, part in parts.items() if part is not None})
