"""SmsGateway24: Android phones that poll a server and send texts from their SIM cards.

One file an operation, one line here for each.
"""

from __future__ import annotations

from vendors.answers import json_object
from vendors.operation import Operation, Vendor
from vendors.smsgateway24.provider import SmsGateway24Provider
from vendors.smsgateway24.send import Send

_OPERATIONS: tuple[Operation, ...] = (Send(),)

SMSGATEWAY24 = Vendor(
    kind="smsgateway24",
    provider=SmsGateway24Provider,
    content=json_object,
    operations={operation.name: operation for operation in _OPERATIONS},
)
