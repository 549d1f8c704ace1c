"""`postern spool`: waiting until a gateway's spool is empty, before its disk goes away.

What must not go in: anything that changes a spool. It belongs to the gateway that runs on it.
"""

from __future__ import annotations

import re
import time
from datetime import timedelta

import click

from cli.admin import ask, asked
from cli.options import DURATION
from core.errors import ConfigurationError
from core.settings import Address

PATIENCE = timedelta(seconds=5)
PAUSE = timedelta(seconds=1)
"""Between two looks; a spool counts as empty when it is so at two of them in a row."""

_HELD = re.compile(r"^postern_spool_messages (\S+)$", re.MULTILINE)


@click.group("spool")
def command() -> None:
    """What a gateway keeps while the broker is away (POSTERN_SPOOL).

    Example: postern spool wait --timeout 10m
    """


@command.command("wait")
@click.option(
    "--timeout",
    "limit",
    default="1h",
    show_default=True,
    metavar="DURATION",
    type=DURATION,
    help="Give up after this long.",
)
def wait(limit: timedelta) -> None:
    """Wait until the spool of the gateway at POSTERN_ADMIN is empty; exit 0 then.

    For the time before a gateway is ended together with its disk: a container's preStop hook. Exit
    1 if messages are left when the time is over, or if nobody listens there. A gateway that is slow
    to answer is asked again.

    Example: postern spool wait --timeout 10m
    """
    address = asked()
    end = time.monotonic() + limit.total_seconds()
    before = None
    while True:
        try:
            held = spooled_at(address, within=PATIENCE)
        except ConnectionRefusedError:
            print(f"Nobody listens at {address}.")
            raise SystemExit(1) from None
        if held == before == 0:
            print("The spool is empty.")
            return
        if time.monotonic() + PAUSE.total_seconds() > end:
            break
        before = held
        time.sleep(PAUSE.total_seconds())
    left = "it did not tell" if held is None else f"messages in it: {held}"
    print(f"The time is over, and the spool was not seen empty ({left}).")
    raise SystemExit(1)


def spooled_at(address: Address, *, within: timedelta) -> int | None:
    """How many messages the gateway there keeps; None: no answer in time. Raises
    ConnectionRefusedError if nobody is there, ConfigurationError if it is something else."""
    try:
        answer = ask(address, "/metrics", within=within)
    except ConnectionRefusedError:
        raise
    except OSError:
        return None
    if answer.status != 200:
        return None
    found = _HELD.search(answer.body)
    if found is None:
        raise ConfigurationError(
            "what answers there is no gateway: it tells of no spool", field="POSTERN_ADMIN"
        )
    return int(float(found[1]))
