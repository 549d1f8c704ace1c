"""The `postern` command, put together.

Adding a command: one file beside this one, one line in `COMMANDS`. What must not go in: what any
command does.
"""

from __future__ import annotations

import logging
import sys
from typing import NoReturn

import click

from cli import (
    actions,
    audit,
    books,
    call,
    cancel,
    collection,
    consumers,
    demo,
    forget,
    gateway,
    init,
    metrics,
    migrate,
    pause,
    providers,
    replay,
    rules,
    run,
    sandbox,
    schemas,
    send,
    show,
    status,
    topology,
    version,
)
from cli.failure import explain
from core.logs import configure_logs, get_logger

COMMANDS: tuple[click.Command, ...] = (
    demo.command,
    init.command,
    run.command,
    gateway.command,
    consumers.command,
    sandbox.command,
    migrate.command,
    topology.command,
    rules.command,
    send.command,
    actions.command,
    show.command,
    status.command,
    books.command,
    pause.pause,
    pause.resume,
    cancel.command,
    replay.command,
    forget.command,
    audit.command,
    providers.command,
    schemas.command,
    metrics.command,
    call.command,
    collection.command,
    version.command,
)

log = get_logger()


class InOrder(click.Group):
    """Lists its commands in the order they were added: the way somebody meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"]})
def postern() -> None:
    """Business events in, calls to a marketing platform and an SMS gateway out.

    Try it: postern demo
    """
    # What libraries would log of a lost connection, the one line of the failure says.
    logging.disable(logging.CRITICAL)
    configure_logs("error", json=not sys.stderr.isatty())


for each in COMMANDS:
    postern.add_command(each)


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
