"""A TCP proxy that can do what networks do: reset connections, swallow bytes, hold back one
direction, refuse, slow down, lead elsewhere.

It runs in a thread of its own, so that tests of any kind and processes under test can use it. What
must not go in: knowledge of what is said over the connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

_CHUNK = 65_536
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)


class Proxy:
    """Listens on loopback and leads to one of `targets` after the other. If one does not take the
    connection the next is tried, unless it is to be `strict`, as a Kubernetes Service is: the
    client then sees the refusal."""

    def __init__(
        self, *targets: int, host: str = "127.0.0.1", port: int = 0, strict: bool = False
    ) -> None:
        self._targets: Sequence[int] = targets
        self._strict = strict
        self._turns = itertools.count()
        self._listener = socket.create_server((host, port))
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._forth, self._back = asyncio.Event(), asyncio.Event()
        self._forth.set()
        self._back.set()
        self._delay = 0.0
        self._last: tuple[int, bytes] | None = None
        self.taken = 0
        """How many connections there were."""
        self._refusing = False
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def url(self, target: str) -> str:
        """The address `target`, by way of this proxy."""
        parts = urlsplit(target)
        user, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{user}{at}127.0.0.1:{self.port}"))

    # What it does to the connections that go through it, each at once.

    def reset(self) -> None:
        """Every open connection ends with a TCP reset, at both of its ends."""
        self._do(self._reset)

    def hold(self, *, forth: bool = True, back: bool = True) -> None:
        """Bytes stay here from now on: all of them (a black hole), or those of one direction.
        Connections stay open, new ones are taken."""

        def do() -> None:
            for wanted, gate in ((forth, self._forth), (back, self._back)):
                if wanted:
                    gate.clear()

        self._do(do)

    def let_go(self) -> None:
        """What was held goes on, in order."""

        def do() -> None:
            self._forth.set()
            self._back.set()

        self._do(do)

    def refuse(self, *, refusing: bool = True) -> None:
        """New connections are reset at once (those that are open are left alone), or taken
        again."""
        self._do(lambda: setattr(self, "_refusing", refusing))

    def slow(self, seconds: float) -> None:
        """Each piece of what comes back takes so much longer."""
        self._do(lambda: setattr(self, "_delay", seconds))

    def end_after(self, pieces: int, last_words: bytes = b"") -> None:
        """New connections end with so many pieces of what comes back, the last one with these bytes
        at its end."""
        self._do(lambda: setattr(self, "_last", (pieces, last_words)))

    def lead_to(self, *targets: int) -> None:
        """New connections go there."""
        self._do(lambda: setattr(self, "_targets", targets))

    @property
    def connections(self) -> int:
        return len(self._open) // 2

    # How.

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._taken, sock=self._listener)
        )
        self._loop.run_forever()
        server.close()
        self._reset()
        for task in self._tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self._loop.close()

    def _do(self, what: Callable[[], object]) -> None:
        """In the proxy's own thread; returns when it is done."""

        async def run() -> None:
            what()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def _reset(self) -> None:
        for writer in tuple(self._open):
            _reset(writer)

    async def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self.taken += 1
        with contextlib.suppress(OSError, asyncio.CancelledError):
            found = None if self._refusing else await self._reach()
            if found is None:
                _reset(writer)
                return
            back, forth = found
            pair = {writer, forth}
            self._open |= pair
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._pump(reader, forth, self._forth))
                    group.create_task(self._pump(back, writer, self._back, answers=True))
            except* OSError:
                pass  # one end is gone: the other is told below
            finally:
                self._open -= pair
                for end in pair:
                    end.close()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        targets = self._targets
        first = next(self._turns)
        for n in range(1 if self._strict else len(targets)):
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(
                    "127.0.0.1", targets[(first + n) % len(targets)]
                )
        return None

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        gate: asyncio.Event,
        *,
        answers: bool = False,
    ) -> None:
        left, last_words = (self._last if answers else None) or (None, b"")
        while left != 0 and (piece := await reader.read(_CHUNK)):
            if answers and self._delay:
                await asyncio.sleep(self._delay)
            await gate.wait()
            if left is not None:
                left -= 1
            writer.write(piece if left != 0 else piece + last_words)
            await writer.drain()
        if left == 0:
            raise ConnectionResetError
        await gate.wait()
        if writer.can_write_eof():
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a reset instead of an orderly end."""
    raw: socket.socket = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
    writer.transport.abort()
