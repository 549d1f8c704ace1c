"""SmsGateway24: Android phones that poll a server and send texts from their SIM cards.

One file an operation, one line here for each.
"""

from __future__ import annotations

from vendors.operation import Operation, Vendor
from vendors.smsgateway24.addalotofsms import AddALotOfSms
from vendors.smsgateway24.addsms import AddSms
from vendors.smsgateway24.callbacks import TextCallbacks
from vendors.smsgateway24.envelope import content
from vendors.smsgateway24.examples import EXAMPLES
from vendors.smsgateway24.getalldevices import GetAllDevices
from vendors.smsgateway24.getallsms import GetAllSms
from vendors.smsgateway24.getdevicestatus import GetDeviceStatus
from vendors.smsgateway24.getsmsstatus import GetSmsStatus
from vendors.smsgateway24.gettoken import LOGIN, GetToken
from vendors.smsgateway24.provider import SmsGateway24Provider
from vendors.smsgateway24.savecontact import SaveContact
from vendors.smsgateway24.savepaket import SavePaket
from vendors.smsgateway24.savetag import SaveTag
from vendors.smsgateway24.send import Send
from vendors.smsgateway24.smstosend import SmsToSend

_OPERATIONS: tuple[Operation, ...] = (
    Send(),
    AddSms(),
    SmsToSend(),
    AddALotOfSms(),
    GetToken(),
    GetAllSms(),
    GetSmsStatus(),
    GetAllDevices(),
    GetDeviceStatus(),
    SaveTag(),
    SaveContact(),
    SavePaket(),
)

SMSGATEWAY24 = Vendor(
    kind="smsgateway24",
    provider=SmsGateway24Provider,
    content=content,
    operations={operation.name: operation for operation in _OPERATIONS},
    login=LOGIN,
    callbacks=TextCallbacks(),
    examples=EXAMPLES,
)
