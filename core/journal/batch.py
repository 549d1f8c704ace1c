"""Group commit: whatever is asked for while one transaction runs shares the next one.

What must not go in: what the requests mean.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from core.errors import JournalError, JournalRejected, JournalUnavailable

Ask = TypeVar("Ask")
Reply = TypeVar("Reply")


class Batch(Generic[Ask, Reply]):
    """Gathers requests and hands them to `work` together, which answers in the same order.

    A batch that is rejected is done again one by one, so that one bad request fails alone. Run
    `run()` in a task group for as long as the batch is used.
    """

    def __init__(
        self, work: Callable[[Sequence[Ask]], Awaitable[Sequence[Reply]]], *, most: int = 100
    ) -> None:
        self._work = work
        self._most = most
        self._waiting: list[tuple[Ask, asyncio.Future[Reply]]] = []
        self._wanted = asyncio.Event()
        self._closed = False

    async def ask(self, request: Ask) -> Reply:
        if self._closed:
            raise JournalUnavailable("the journal is closed")
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, reply))
        self._wanted.set()
        return await reply

    async def run(self) -> None:
        try:
            while True:
                await self._wanted.wait()
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                if not self._waiting:
                    self._wanted.clear()
                await self._settle([pair for pair in batch if not pair[1].done()])
        finally:
            self._closed = True
            _fail(self._waiting, JournalUnavailable("the journal is closed"))

    async def _settle(self, batch: list[tuple[Ask, asyncio.Future[Reply]]]) -> None:
        if not batch:
            return
        try:
            replies = await self._work([request for request, _ in batch])
        except JournalRejected as error:
            if len(batch) == 1:
                _fail(batch, error)
                return
            for pair in batch:
                await self._settle([pair])
        except JournalError as error:
            _fail(batch, error)
        except BaseException:
            _fail(batch, JournalUnavailable("the journal is closing or broken"))
            raise
        else:
            for (_, reply), answer in zip(batch, replies, strict=True):
                if not reply.done():
                    reply.set_result(answer)


def _fail(batch: list[tuple[Ask, asyncio.Future[Reply]]], error: JournalError) -> None:
    for _, reply in batch:
        if not reply.done():
            reply.set_exception(error)
