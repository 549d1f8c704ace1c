"""The thread that owns the embedded broker's file, and group commit.

Work that arrives while a transaction is being written waits together and shares the next one: a
*round*. Nobody is told of success before the round is committed. A round that fails fails for all
in it.

Consumers leave *demands* ("up to three of this queue"). A demand is served in the round in which
something is there for it, so an idle queue costs nothing and nobody polls.

What must not go in: what a message means, and anything that runs on the event loop except the last
step.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from core.broker.embedded.store import Handed
from core.errors import BrokerError, BrokerUnavailable, PosternError
from core.logs import get_logger

log = get_logger()

_AFTER_FAILURE = timedelta(milliseconds=500)

Notice = Callable[[], None]


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """Up to `limit` messages of `queue`, whenever there are any; answered at most once."""

    queue: str
    limit: int
    answer: Callable[[list[Handed]], None]


class Kept(Protocol):
    """What a file holds, as one thread sees it inside a transaction."""

    def take_over(self) -> None:
        """Bring in order what an earlier process left."""
        ...

    def reload(self) -> None:
        """Forget what was only in memory: a round was rolled back."""
        ...

    def hand_out(self, queue: str, limit: int) -> list[Handed]: ...


S = TypeVar("S", bound=Kept)


@dataclass(frozen=True, slots=True, eq=False)
class _Job(Generic[S]):
    work: Callable[[S], Any]
    future: asyncio.Future[Any]


class Rounds(Generic[S]):
    """Runs work in rounds on a thread of its own. All methods are called on the event loop.

    `open_file` is called on that thread and may raise ConfigurationError; `keep` makes of the
    connection what the work is done on.
    """

    def __init__(
        self,
        path: Path,
        *,
        open_file: Callable[[Path], sqlite3.Connection],
        keep: Callable[[sqlite3.Connection], S],
    ) -> None:
        self._path = path
        self._open_file = open_file
        self._keep = keep
        self._loop = asyncio.get_running_loop()
        self._change = threading.Condition()
        self._jobs: list[_Job[S]] = []
        self._demands: dict[Demand, None] = {}
        self._asked = False
        self._stopping = False
        self._stale = False
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name="embedded-broker", daemon=True)

    async def start(self) -> None:
        """Open the file. Raises ConfigurationError if it cannot be used."""
        self._thread.start()
        await self._opened

    async def stop(self) -> None:
        """Finish what was asked for, then close the file."""
        with self._change:
            self._stopping = True
            self._change.notify()
        await self._ended
        self._thread.join()

    async def do(self, work: Callable[[S], Any]) -> Any:
        """Run `work` in a round; return its result once that is on disk, or raise its error."""
        future: asyncio.Future[Any] = self._loop.create_future()
        with self._change:
            if self._stopping:
                raise BrokerUnavailable("the embedded broker is closed")
            self._jobs.append(_Job(work, future))
            self._change.notify()
        return await future

    def demand(self, demand: Demand) -> None:
        with self._change:
            self._demands[demand] = None
            self._asked = True
            self._change.notify()

    def withdraw(self, demand: Demand) -> None:
        """Forget a demand. Its answer may be on its way all the same."""
        with self._change:
            self._demands.pop(demand, None)

    def _run(self) -> None:
        try:
            database = self._open_file(self._path)
        except PosternError as error:
            self._tell([_failing(self._opened, error), _ending(self._ended)])
            return
        try:
            self._serve(database)
        finally:
            with self._change:
                self._stopping = True
            database.close()
            self._tell([_ending(self._ended)])

    def _serve(self, database: sqlite3.Connection) -> None:
        store = self._keep(database)
        try:
            database.execute("BEGIN IMMEDIATE")
            store.take_over()
            database.execute("COMMIT")
        except sqlite3.Error as error:
            self._tell([_failing(self._opened, _unavailable(error))])
            return
        self._tell([_ending(self._opened)])
        failed = False
        while True:
            with self._change:
                if not (self._jobs or self._asked or self._stopping):
                    # After a failure nobody may come to wake the demands, so they try again alone.
                    wait = _AFTER_FAILURE.total_seconds() if failed else None
                    self._change.wait(wait)
                jobs, self._jobs = self._jobs, []
                demands = () if self._stopping else tuple(self._demands)
                self._asked = False
                last = self._stopping
            busy = bool(jobs or demands)
            failed = busy and not self._round(database, store, jobs, demands)
            if last:
                return

    def _round(
        self,
        database: sqlite3.Connection,
        store: S,
        jobs: list[_Job[S]],
        demands: tuple[Demand, ...],
    ) -> bool:
        notices: list[Notice] = []
        served: list[Demand] = []
        try:
            database.execute("BEGIN IMMEDIATE")
            if self._stale:
                store.reload()
                self._stale = False
            notices.extend(_outcome(job, store) for job in jobs)
            for demand in demands:
                handed = store.hand_out(demand.queue, demand.limit)
                if handed:
                    served.append(demand)
                    notices.append(_answering(demand, handed))
            database.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo(database, store)
            log.warning("embedded_broker_failed", reason=str(error))
            unavailable = _unavailable(error)
            self._tell([_failing(job.future, unavailable) for job in jobs])
            return False
        except BaseException:
            broken = BrokerUnavailable("the embedded broker broke down")
            self._tell([_failing(job.future, broken) for job in jobs])
            raise
        with self._change:
            for demand in served:
                self._demands.pop(demand, None)
        self._tell(notices)
        return True

    def _undo(self, database: sqlite3.Connection, store: S) -> None:
        """What fails here is made up for before the next round's work: otherwise what is in memory
        would differ from the file until the next start."""
        self._stale = True
        try:
            if database.in_transaction:
                database.execute("ROLLBACK")
            store.reload()
            self._stale = False
        except sqlite3.Error as error:
            log.warning("embedded_broker_failed", reason=str(error))

    def _tell(self, notices: list[Notice]) -> None:
        def tell_all() -> None:
            for notice in notices:
                notice()

        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(tell_all)


def _outcome(job: _Job[S], store: S) -> Notice:
    """Do one job; its own refusal is its outcome, a database error is the whole round's."""
    try:
        result = job.work(store)
    except BrokerError as error:
        return _failing(job.future, error)
    return _ending(job.future, result)


def _ending(future: asyncio.Future[Any], result: Any = None) -> Notice:
    def end() -> None:
        if not future.done():  # its waiter may have been cancelled
            future.set_result(result)

    return end


def _failing(future: asyncio.Future[Any], error: Exception) -> Notice:
    def fail() -> None:
        if not future.done():
            future.set_exception(error)

    return fail


def _answering(demand: Demand, handed: list[Handed]) -> Notice:
    return lambda: demand.answer(handed)


def _unavailable(error: sqlite3.Error) -> BrokerUnavailable:
    return BrokerUnavailable(f"the embedded broker cannot write ({error})")
