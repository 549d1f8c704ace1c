"""The operators' part of the journal on a database. What must not go in: statements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import from_micros, to_micros
from core.journal import erased, erasing, operating, pausing, reading
from core.journal.operator import (
    Again,
    Audited,
    BreakerSeen,
    Erasure,
    Oldest,
    Pausable,
    Pause,
    Preview,
    Replayable,
    Selection,
)
from core.journal.transactions import Transactions
from core.person import Person


class SqlOperator(Transactions):
    """See `core.journal.operator.OperatorJournal`."""

    async def preview(self, selection: Selection) -> Preview:
        async def work(connection: AsyncConnection) -> Preview:
            return await operating.preview(connection, selection, await self._now(connection))

        return await self._read(work)

    async def cancel(self, selection: Selection, *, audit: int, limit: int) -> int:
        async def work(connection: AsyncConnection, now: int) -> int:
            return await operating.cancel(connection, selection, audit=audit, limit=limit, now=now)

        return await self._write(work)

    async def replayable(self, selection: Selection, *, after: str, limit: int) -> list[Replayable]:
        async def work(connection: AsyncConnection) -> list[Replayable]:
            now = await self._now(connection)
            return await operating.replayable(
                connection, selection, after=after, limit=limit, now=now
            )

        return await self._read(work)

    async def replay(self, items: Sequence[Again], *, audit: int) -> int:
        async def work(connection: AsyncConnection, now: int) -> int:
            return await operating.replay(connection, items, audit=audit, now=now)

        return await self._write(work)

    async def remember_erased(self, person: Person) -> datetime:
        async def work(connection: AsyncConnection, now: int) -> datetime:
            await erased.remember(connection, person, now)
            return from_micros(now)

        return await self._write(work)

    async def to_erase(
        self, person: Person, *, until: datetime, after: str | None, limit: int
    ) -> Erasure:
        search = erasing.Search(person=person, until=to_micros(until), after=after, limit=limit)
        return await self._read(erasing.look, search)

    async def erase(
        self, person: Person, *, until: datetime, audit: int, after: str | None, limit: int
    ) -> Erasure:
        search = erasing.Search(person=person, until=to_micros(until), after=after, limit=limit)

        async def work(connection: AsyncConnection, now: int) -> Erasure:
            return await erasing.erase(connection, search, audit=audit, now=now)

        return await self._write(work)

    async def begin_audit(self, *, who: str, what: str, wanted: str) -> int:
        async def work(connection: AsyncConnection, now: int) -> int:
            return await operating.begin(connection, who=who, what=what, wanted=wanted, now=now)

        return await self._write(work)

    async def end_audit(self, audit: int) -> None:
        async def work(connection: AsyncConnection, now: int) -> None:
            await operating.end(connection, audit, now)

        await self._write(work)

    async def audited(self, *, limit: int) -> list[Audited]:
        return await self._read(operating.audited, limit=limit)

    async def pause(self, kind: Pausable, name: str, *, who: str) -> None:
        async def work(connection: AsyncConnection, now: int) -> None:
            await pausing.pause(connection, kind, name, who=who, now=now)
            await operating.begin(
                connection, who=who, what="pause", wanted=f"{kind.value} {name}", now=now
            )

        await self._write(work)

    async def resume(self, kind: Pausable, name: str, *, who: str) -> bool:
        async def work(connection: AsyncConnection, now: int) -> bool:
            resumed = await pausing.resume(connection, kind, name)
            if resumed:
                await operating.begin(
                    connection, who=who, what="resume", wanted=f"{kind.value} {name}", now=now
                )
            return resumed

        return await self._write(work)

    async def pauses(self) -> list[Pause]:
        return await self._read(pausing.pauses)

    async def breakers(self) -> list[BreakerSeen]:
        async def work(connection: AsyncConnection) -> list[BreakerSeen]:
            return await pausing.breakers(connection, await self._now(connection))

        return await self._read(work)

    async def oldest(self) -> list[Oldest]:
        return await self._read(reading.oldest)

    async def newest_rules(self) -> str | None:
        return await self._read(reading.newest_rules)
