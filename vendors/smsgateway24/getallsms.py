"""`getallsms`: the texts of the account, filtered. What must not go in: looking for one text."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from vendors.parameters import StrictParams
from vendors.provider import Provider
from vendors.smsgateway24.envelope import answered
from vendors.smsgateway24.moments import Timetosend
from vendors.smsgateway24.provider import DeviceId, Sim, smsgateway24
from vendors.smsgateway24.reading import Reading
from vendors.wire import Answer, Identity, Outcome, Params, Request

Flag = bool | Literal[0, 1]
Number = Annotated[int, Field(ge=0, le=2**31 - 1)]


class TextFilter(StrictParams):
    """What the call takes; all filters together must fit."""

    device_id: DeviceId | None = Field(None, description="the phone that sends")
    status: Number | None = Field(None, description="1, 3, 2, 6, 7 in this order; 8 to 101 failed")
    begindate: Timetosend | None = Field(None, description="texts from then on, UTC")
    enddate: Timetosend | None = Field(None, description="texts up to then, UTC")
    sim: Sim | None = Field(None, description="slot of the phone")
    customerid: Number | None = Field(None, description="the tag of an action")
    onlycount: Flag | None = Field(None, description="whether only their number is answered")
    phone: str | None = Field(None, min_length=1, max_length=40, description="whom they went to")
    orderbydesc: Flag | None = Field(None, description="whether the newest come first")
    timezone: str | None = Field(
        None, min_length=1, max_length=64, description="of the answer, such as Australia/Sydney"
    )


class GetAllSms(Reading):
    """The operation."""

    name = "getallsms"
    summary = "The texts of the account, filtered."
    source = "SmsGateway24 API v1.0, getallsms"
    model = TextFilter

    def request(self, params: Params, identity: Identity, provider: Provider) -> Request:
        plain = {name: int(it) if isinstance(it, bool) else it for name, it in params.items()}
        return super().request(plain, identity, provider)

    def read(self, answer: Answer, params: Params, provider: Provider) -> Outcome:
        shows = "count" if params.get("onlycount") else "smss"
        return answered(answer, smsgateway24(provider), shows=shows)
