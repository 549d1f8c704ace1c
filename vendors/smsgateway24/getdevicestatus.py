"""`getdevicestatus`: whether one phone is online. What must not go in: choosing one."""

from __future__ import annotations

from pydantic import Field

from vendors.parameters import StrictParams
from vendors.provider import Provider
from vendors.smsgateway24.provider import DeviceId, smsgateway24
from vendors.smsgateway24.reading import Reading, with_device
from vendors.wire import Params


class DeviceParams(StrictParams):
    """What the call takes."""

    device_id: DeviceId | None = Field(None, description="by default the provider's")


class GetDeviceStatus(Reading):
    """The operation."""

    name = "getdevicestatus"
    summary = "Whether a phone is online, and when it was last seen."
    source = "SmsGateway24 API v1.0, getdevicestatus"
    model = DeviceParams
    shows = "online"

    def prepare(self, params: Params, provider: Provider) -> Params:
        return with_device(super().prepare(params, provider), smsgateway24(provider))
