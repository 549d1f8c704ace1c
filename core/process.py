"""What every process of ours does alike: how it starts, ends by a signal, and is asked to read its
configuration again.

What must not go in: what a process is for.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from core.document import read_document
from core.errors import ConfigurationError, PosternError, TopologyMismatch
from core.logs import configure_logs
from core.settings import Settings, config_path, read_settings, secret_names


def run_process(name: str, run: Callable[[Settings], Coroutine[Any, Any, None]]) -> int:
    """A process set up by `POSTERN_*` variables alone (`python -m gateway`); returns its exit code.

    0 after a clean stop. Otherwise one readable line and 2 if the configuration is wrong, 1 if a
    server did not do what the start needs.
    """
    try:
        document = read_document(config_path(os.environ))
        settings = read_settings(os.environ, also_allowed=secret_names(document.data))
        configure_logs(settings.log_level, settings.json_logs(terminal=sys.stderr.isatty()))
        asyncio.run(run(settings))
    except PosternError as error:
        sys.stderr.write(f"postern {name}: {error}\n")
        return 2 if isinstance(error, ConfigurationError | TopologyMismatch) else 1
    return 0


def refuse_embedded(settings: Settings) -> None:
    """For a process that shares its broker with others. Raises ConfigurationError."""
    if settings.broker.startswith("embedded:"):
        raise ConfigurationError(
            "an embedded broker belongs to one process: use `postern run`, or name a server here "
            "(amqp://...)",
            field="POSTERN_BROKER",
        )


class Stop(asyncio.Event):
    """Set once the process is asked to end. `hurry` is set where nobody else has to hear of it
    first: a person pressed Ctrl-C, or asked a second time."""

    def __init__(self) -> None:
        super().__init__()
        self.hurry = asyncio.Event()

    def ask(self, number: signal.Signals) -> None:
        if number is signal.SIGINT or self.is_set():
            self.hurry.set()
        self.set()


@asynccontextmanager
async def signals() -> AsyncIterator[Stop]:
    """Set once the process is asked to end, by SIGTERM or SIGINT."""
    stop = Stop()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, stop.ask, number)
    try:
        yield stop
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def on_hangup(reload: Callable[[], None]) -> None:
    """Have `reload` called on each SIGHUP from now on."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
