"""`python -m gateway.workers.worker NUMBER FD`: one worker. Its parent starts it; nobody else has a
reason to.

It tells its parent by the socket FD that it lives and where it answers probes and metrics, and ends
when that closes: whatever its parent died of, no worker is left behind on the port. What must not
go in: what it takes (see `gateway.app`).
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import replace
from functools import partial

import structlog

from core.process import Stop, run_process, signals
from core.settings import Address, Settings
from core.tasks import beside
from gateway.app import connected_gateway, serve

BEAT = 5.0
"""Seconds."""
_PRIVATE = Address(host="127.0.0.1", port=0)


async def run_worker(settings: Settings, *, parent: socket.socket) -> None:
    async with signals() as stop:
        loop = asyncio.get_running_loop()
        loop.add_reader(parent, _heard, parent, stop)
        private = replace(settings, admin=_PRIVATE)
        async with (
            beside(_beat(parent)),
            connected_gateway(private, shares_port=True) as gateway,
        ):
            # Soon: by then SIGHUP is listened to, which ends a process that does not.
            loop.call_soon(parent.sendall, f"{gateway.admin}\n".encode("ascii"))
            await serve(gateway, stop)


async def _beat(parent: socket.socket) -> None:
    """A sign of life, of this event loop: a parent that hears none starts another worker."""
    while True:
        with suppress(OSError):
            parent.sendall(b"\n")
        await asyncio.sleep(BEAT)


def _heard(parent: socket.socket, stop: Stop) -> None:
    """It says nothing; it can only be gone."""
    asyncio.get_running_loop().remove_reader(parent)
    stop.ask(signal.SIGTERM)


def main() -> int:
    number, descriptor = (int(argument) for argument in sys.argv[1:])
    structlog.contextvars.bind_contextvars(worker=number)
    with socket.socket(fileno=descriptor) as parent:
        parent.setblocking(False)
        return run_process("gateway", partial(run_worker, parent=parent))


if __name__ == "__main__":
    sys.exit(main())
