"""Every call of the SMS gateway that is simulated: one line for each. What must not go in: what any
does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from sandbox.smsgateway24 import (
    addalotofsms,
    addsms,
    getalldevices,
    getallsms,
    getdevicestatus,
    getsmsstatus,
    gettoken,
    savecontact,
    savepaket,
    savetag,
    smstosend,
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SMSGATEWAY24_CALLS: Mapping[str, Handler] = {
    gettoken.CALL: gettoken.gettoken,
    addsms.CALL: addsms.addsms,
    smstosend.CALL: smstosend.smstosend,
    addalotofsms.CALL: addalotofsms.addalotofsms,
    getallsms.CALL: getallsms.getallsms,
    getsmsstatus.CALL: getsmsstatus.getsmsstatus,
    getalldevices.CALL: getalldevices.getalldevices,
    getdevicestatus.CALL: getdevicestatus.getdevicestatus,
    savetag.CALL: savetag.savetag,
    savecontact.CALL: savecontact.savecontact,
    savepaket.CALL: savepaket.savepaket,
}
