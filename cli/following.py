"""Watching what becomes of posted events, until nothing of them is open any more.

Asked is the read API with the source's key, or, for sources that sign and have none, the journal
itself. What must not go in: posting, and how the result is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

import aiohttp
import orjson

from cli.posting import bearer_header
from core.configuration import Secret
from core.errors import JournalError
from core.journal.port import EventReport
from core.journal.states import OPEN, State
from core.messages import JsonObject
from gateway.http.answers import show_accepted, show_record

PAUSE = timedelta(milliseconds=500)
TIMEOUT = aiohttp.ClientTimeout(total=10)

Look = Callable[[str], Awaitable[JsonObject | None]]
"""The record of an event by its reference; None: not to be had now, ask again."""


class Events(Protocol):
    """The part of a journal that is asked."""

    async def event(self, ref: str) -> EventReport | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """Where an event's actions have come to: each with its rule and step. `problem` is empty if all
    of them have ended and none is parked."""

    ref: str
    states: tuple[str, ...]
    problem: str = ""


def by_http(session: aiohttp.ClientSession, url: str, key: Secret) -> Look:
    """Ask the gateway that `url` was posted to."""
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc}/v1/events"

    async def look(ref: str) -> JsonObject | None:
        try:
            async with session.get(
                f"{base}/{ref}", headers=bearer_header(key), timeout=TIMEOUT, allow_redirects=False
            ) as answer:
                body = await answer.read()
                return orjson.loads(body) if answer.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError):
            return None

    return look


def by_journal(journal: Events, source: str) -> Look:
    """For a `source` that has no key to ask with."""

    async def look(ref: str) -> JsonObject | None:
        try:
            report = await journal.event(ref)
        except JournalError:
            return None
        return show_accepted(ref, source) if report is None else show_record(report)

    return look


async def follow(look: Look, ref: str, *, within: timedelta) -> Followed:
    """Ask until every action has ended, or the time is over."""
    record: JsonObject | None = None
    try:
        async with asyncio.timeout(within.total_seconds()):
            while True:
                record = await look(ref) or record
                if not _open(record):
                    break
                await asyncio.sleep(PAUSE.total_seconds())
    except TimeoutError:
        return Followed(ref=ref, states=_states(record), problem=_unfinished(record))
    parked = [one for one in _actions(record) if one["state"] == State.PARKED]
    return Followed(
        ref=ref,
        states=_states(record),
        problem="; ".join(f"{_named(one)}: {one.get('reason', '')}" for one in parked),
    )


def _open(record: JsonObject | None) -> bool:
    return (
        record is None
        or record["state"] != "recorded"
        or any(one["state"] in OPEN for one in _actions(record))
    )


def _actions(record: JsonObject | None) -> list[dict[str, Any]]:
    return record.get("actions", []) if record is not None else []


def _named(action: dict[str, Any]) -> str:
    return f"{action['rule']}, {action['step']}"


def _states(record: JsonObject | None) -> tuple[str, ...]:
    return tuple(f"{_named(one)}: {one['state']}" for one in _actions(record))


def _unfinished(record: JsonObject | None) -> str:
    if record is None:
        return "nobody could tell what became of it"
    if record["state"] != "recorded":
        return "it was accepted, but has not been recorded in time"
    return "not all of its actions have ended in time"
