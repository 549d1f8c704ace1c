"""`getsmsstatus`: how far one text has come. What must not go in: following it (see `follow`)."""

from __future__ import annotations

from pydantic import Field

from vendors.parameters import StrictParams
from vendors.smsgateway24.reading import Reading


class StatusParams(StrictParams):
    """What the call takes."""

    sms_id: int = Field(ge=1, le=2**53, description="the reference of the text")


class GetSmsStatus(Reading):
    """The operation."""

    name = "getsmsstatus"
    summary = "How far a text has come."
    source = "SmsGateway24 API v1.0, getsmsstatus"
    model = StatusParams
    shows = "status"
