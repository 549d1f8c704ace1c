"""A new connection to PostgreSQL that ends while it is being set up: the journal is away, and
nothing ends of it."""

from __future__ import annotations

import asyncio
import struct
from urllib.parse import urlsplit

import pytest

from core.errors import JournalUnavailable
from core.journal.engine import Engines, database_now, open_engines, transaction
from tests.servers.proxy import Proxy

_FIELDS = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
_SHUT_DOWN = b"E" + struct.pack("!i", 4 + len(_FIELDS)) + _FIELDS
"""What a server that is stopped says to each client, unasked: an ErrorResponse
(https://www.postgresql.org/docs/15/protocol-message-formats.html)."""

_AT_ONCE = 10
"""All connections that there may be."""


@pytest.mark.parametrize("last_words", [b"", _SHUT_DOWN], ids=["cut", "shut down"])
async def test_wherever_a_new_connection_ends_the_journal_is_away(
    postgres_url: str, last_words: bytes
) -> None:
    """After each answer: of the login, of the driver's own questions, of the first statement.

    Several begin at once, as a process does whose journal comes back: all but one then wait for
    what SQLAlchemy does with the first connection of all, and meanwhile theirs end.
    """
    with Proxy(urlsplit(postgres_url).port or 5432) as proxy:
        answers = 1
        proxy.end_after(answers, last_words)
        while not await _works(proxy.url(postgres_url)):
            answers += 1
            proxy.end_after(answers, last_words)
        assert answers > 4


async def _works(url: str) -> bool:
    """Whether the journal is there for all. Raises whatever it does not call away."""
    engines = open_engines(url)
    try:
        found = await asyncio.gather(
            *(_ask(engines) for _ in range(_AT_ONCE)), return_exceptions=True
        )
    finally:
        await engines.dispose()
    for error in found:
        if isinstance(error, BaseException) and not isinstance(error, JournalUnavailable):
            raise error
    return not any(found)


async def _ask(engines: Engines) -> None:
    async with transaction(engines.writing) as connection:
        await database_now(connection)
