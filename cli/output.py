"""How the commands print: tables for people, JSON for programs, moments in one form.

What must not go in: what any command says.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.clock import to_text
from core.journal.states import State

WIDE = 200
"""Columns when the output is no terminal: a pipe has no width, and a cut reference is useless."""

_COLOURS = {
    State.DONE: "green",
    State.QUEUED: "cyan",
    State.RUNNING: "cyan",
    State.WAITING: "yellow",
    State.PARKED: "red",
}


def console() -> Console:
    """Markup and emoji names are off: what is printed comes from outside."""
    found = Console(highlight=False, markup=False, emoji=False)
    if found.is_terminal:
        return found
    return Console(highlight=False, markup=False, emoji=False, width=WIDE)


def table(*columns: str) -> Table:
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def add_row(to: Table, *cells: str | int | Text | None) -> None:
    to.add_row(
        *(cell if isinstance(cell, Text) else plain("" if cell is None else cell) for cell in cells)
    )


def plain(value: object) -> str:
    """Control characters would move the cursor of whoever reads this."""
    return "".join(sign if sign.isprintable() else " " for sign in str(value))


def state_text(state: State) -> Text:
    return Text(state.value, style=_COLOURS.get(state, "dim"))


def moment(when: datetime | None) -> str:
    """To the second, in UTC: what a person compares with another line."""
    return to_text(when.replace(microsecond=0)) if when is not None else ""


def print_json(value: Any) -> None:
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
