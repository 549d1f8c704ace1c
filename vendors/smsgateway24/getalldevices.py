"""`getalldevices`: the phones of the account. What must not go in: choosing one."""

from __future__ import annotations

from vendors.smsgateway24.reading import Reading


class GetAllDevices(Reading):
    """The operation."""

    name = "getalldevices"
    summary = "The phones of the account, and when each was last seen."
    source = "SmsGateway24 API v1.0, getalldevices"
    shows = "device"
