"""`postern health`: the health check of a container, by the program itself, since its image has no
other that could ask."""

from __future__ import annotations

from datetime import timedelta

import click

from cli.admin import ask, asked
from cli.output import plain

PATIENCE = timedelta(seconds=3)


@click.command("health")
@click.option(
    "--ready", is_flag=True, help="Ask whether it may be given work, not only if it lives."
)
def command(*, ready: bool) -> None:
    """Ask the Postern process of this machine or container how it is; exit 0 if it is well.

    It is asked where its settings say (POSTERN_ADMIN): /livez, or with --ready /readyz. Exit 1 if
    it says no, or does not answer within 3 seconds.

    Example: postern health --ready
    """
    address = asked()
    path = "/readyz" if ready else "/livez"
    try:
        answer = ask(address, path, within=PATIENCE)
    except OSError as error:
        print(f"no answer from {address}{path}: {error.strerror or error}")
        raise SystemExit(1) from None
    if answer.status != 200:
        print(f"{address}{path} says {answer.status}: {plain(answer.body)[:200]}")
        raise SystemExit(1)
    print("ready" if ready else "alive")
