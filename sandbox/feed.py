"""What the page shows, as it changes: the latest texts and subscription changes, coalesced for slow
readers.

A reader asks for what has changed since the revision it saw last, so that nothing piles up for one
that is slow. What must not go in: HTTP.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

KEPT = 400
"""Items of a kind that the page can show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What changed up to `revision`, oldest first. `fresh`: forget everything from before."""

    revision: int
    epoch: int
    fresh: bool
    texts: list[dict[str, Any]]
    entries: list[dict[str, Any]]


class Feed:
    """The latest items by key, in the order in which they changed last."""

    def __init__(self) -> None:
        self._texts: OrderedDict[int, tuple[int, dict[str, Any]]] = OrderedDict()
        self._entries: OrderedDict[int, tuple[int, dict[str, Any]]] = OrderedDict()
        self._revision = 0
        self._epoch = 0
        self._changed = asyncio.Event()

    def put_text(self, key: int, item: dict[str, Any]) -> None:
        self._put(self._texts, key, item)

    def put_entry(self, key: int, item: dict[str, Any]) -> None:
        self._put(self._entries, key, item)

    def reset(self) -> None:
        self._texts.clear()
        self._entries.clear()
        self._epoch += 1
        self._wake()

    def since(self, revision: int, epoch: int) -> Changes:
        """What is newer than `revision`; everything if it is of another epoch."""
        fresh = epoch != self._epoch
        after = -1 if fresh else revision
        return Changes(
            revision=self._revision,
            epoch=self._epoch,
            fresh=fresh,
            texts=_newer(self._texts, after),
            entries=_newer(self._entries, after),
        )

    async def wait(self, revision: int, epoch: int) -> None:
        """Return once there is something newer."""
        while revision == self._revision and epoch == self._epoch:
            await self._changed.wait()

    def _put(
        self,
        items: OrderedDict[int, tuple[int, dict[str, Any]]],
        key: int,
        item: dict[str, Any],
    ) -> None:
        self._wake()
        items[key] = (self._revision, item)
        items.move_to_end(key)
        if len(items) > KEPT:
            items.popitem(last=False)

    def _wake(self) -> None:
        self._revision += 1
        self._changed.set()
        self._changed = asyncio.Event()


def _newer(
    items: OrderedDict[int, tuple[int, dict[str, Any]]], revision: int
) -> list[dict[str, Any]]:
    found = []
    for changed_at, item in reversed(items.values()):
        if changed_at <= revision:
            break
        found.append(item)
    found.reverse()
    return found
