"""Every call of the SMS gateway that is simulated: one line for each. What must not go in: what any
does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from sandbox.smsgateway24 import addsms, getallsms

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SMSGATEWAY24_CALLS: Mapping[str, Handler] = {
    addsms.CALL: addsms.addsms,
    getallsms.CALL: getallsms.getallsms,
}
