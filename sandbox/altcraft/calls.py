"""Every call of the platform that is simulated: one line for each. What must not go in: what any
does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from sandbox.altcraft import subscriptions_set

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ALTCRAFT_CALLS: Mapping[str, Handler] = {
    subscriptions_set.CALL: subscriptions_set.subscriptions_set,
}
