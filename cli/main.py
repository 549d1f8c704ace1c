"""The `postern` command, put together.

Adding a command: one file beside this one, one line in `COMMANDS`. A command is imported when it is
asked for: a container's health check runs every half minute, and all of them together take two
seconds to import. What must not go in: what any command does.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import NoReturn

import click

from cli.failure import explain
from core.logs import configure_logs, get_logger

COMMANDS = {
    "demo": "cli.demo:command",
    "init": "cli.init:command",
    "run": "cli.run:command",
    "gateway": "cli.gateway:command",
    "consumers": "cli.consumers:command",
    "sandbox": "cli.sandbox:command",
    "health": "cli.health:command",
    "spool": "cli.spool:command",
    "migrate": "cli.migrate:command",
    "topology": "cli.topology:command",
    "rules": "cli.rules:command",
    "send": "cli.send:command",
    "actions": "cli.actions:command",
    "show": "cli.show:command",
    "status": "cli.status:command",
    "books": "cli.books:command",
    "pause": "cli.pause:pause",
    "resume": "cli.pause:resume",
    "cancel": "cli.cancel:command",
    "replay": "cli.replay:command",
    "forget": "cli.forget:command",
    "audit": "cli.audit:command",
    "providers": "cli.providers:command",
    "schemas": "cli.schemas:command",
    "metrics": "cli.metrics:command",
    "call": "cli.call:command",
    "collection": "cli.collection:command",
    "version": "cli.version:command",
}
"""Name to module and attribute, in the order in which somebody meets them."""

log = get_logger()


class Commands(MutableMapping[str, click.Command]):
    """The commands of a table, each imported when it is asked for."""

    def __init__(self, places: dict[str, str]) -> None:
        self._places = places

    def __getitem__(self, name: str) -> click.Command:
        module, _, attribute = self._places[name].partition(":")
        found: click.Command = getattr(import_module(module), attribute)
        return found

    def __setitem__(self, name: str, command: click.Command) -> None:
        raise TypeError("commands are added to the table")

    def __delitem__(self, name: str) -> None:
        raise TypeError("commands are taken out of the table")

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class InOrder(click.Group):
    """Lists its commands in the order of the table: the way somebody meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)


@click.group(
    cls=InOrder,
    commands=Commands(COMMANDS),
    context_settings={"help_option_names": ["-h", "--help"]},
)
def postern() -> None:
    """Business events in, calls to a marketing platform and an SMS gateway out.

    Try it: postern demo
    """
    # What libraries would log of a lost connection, the one line of the failure says.
    logging.disable(logging.CRITICAL)
    configure_logs("error", json=not sys.stderr.isatty())


def main() -> NoReturn:
    """Run one command and exit.

    0: well; 1: not done; 2: wrong usage or configuration; 130: interrupted.
    """
    try:
        code = postern.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        failure = explain(error)
        print(f"postern: {failure.message}", file=sys.stderr)
        if not failure.expected:
            log.exception("command_failed")
        sys.exit(failure.exit_code)
    sys.exit(code if isinstance(code, int) else 0)
