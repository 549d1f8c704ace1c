"""What the rest of the consumers need of a way to a provider, whichever it is: HTTP, or the
vendor's own broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Protocol

from consumers.amqp import open_amqp_client
from consumers.http import Lease, open_client
from core.clock import Clock
from vendors.provider import Provider
from vendors.wire import Answer, Request


class Caller(Protocol):
    async def call(self, request: Request, *, within: timedelta, lease: Lease) -> Answer:
        """Send a request and return its answer.

        Raises CallDropped (the lease no longer covers the timeout; nothing was written), NotSent or
        MaybeSent.
        """
        ...


@asynccontextmanager
async def open_caller(
    provider: Provider, *, clock: Clock, connections: int, allow_hosts: frozenset[str]
) -> AsyncIterator[Caller]:
    """The way that the provider's settings say."""
    broker = provider.own_broker()
    if broker is not None:
        async with open_amqp_client(broker, clock=clock) as amqp:
            yield amqp
        return
    async with open_client(
        provider.url, clock=clock, connections=connections, allow_hosts=allow_hosts
    ) as http:
        yield http
