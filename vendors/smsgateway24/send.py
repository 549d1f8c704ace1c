"""`send`: one text to one number, through `addsms`.

The provider knows no repeated call, so each text carries a tag by which it can be found again. What
must not go in: several recipients in one call; one lookup could not tell them apart.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from core.clock import from_text
from vendors.operation import Operation
from vendors.parameters import StrictParams, checked, dumped
from vendors.provider import Provider
from vendors.smsgateway24.envelope import outcome, request
from vendors.smsgateway24.lookup import TextLookup
from vendors.smsgateway24.number import country, to_e164
from vendors.smsgateway24.provider import DeviceId, Sim, smsgateway24
from vendors.smsgateway24.text import cleaned
from vendors.wire import Answer, Identity, InvalidParams, Outcome, Params, Request

_PLAIN_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}(:[0-9]{2})?)?")
_OFFSET_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)


def _timetosend(value: str) -> str:
    """The provider reads times as UTC."""
    try:
        if _PLAIN_TIME.fullmatch(value):
            return _written(datetime.fromisoformat(value).replace(tzinfo=UTC))
        if _OFFSET_TIME.fullmatch(value):
            return _written(from_text(value))
    except (ValueError, OverflowError):
        pass  # Python's own words would repeat the value
    raise ValueError("expected a time such as 2024-11-13 06:39:21 (UTC) or 2024-11-13T06:39:21Z")


def _written(moment: datetime) -> str:
    if not 2000 <= moment.year <= 2100:
        raise ValueError("out of range")
    return moment.strftime("%Y-%m-%d %H:%M:%S")


class TextParams(StrictParams):
    """What `send` takes."""

    to: str = Field(description="one mobile number; without a country it is one of the region")
    text: Annotated[str, AfterValidator(cleaned)] = Field(description="the body")
    device_id: DeviceId | None = Field(None, description="the phone that sends")
    sim: Sim | None = Field(None, description="slot of the phone")
    timetosend: Annotated[str, AfterValidator(_timetosend)] | None = Field(
        None, description="when to send, UTC; at once if not given"
    )


class Send(Operation):
    """The operation."""

    name = "send"
    summary = "One text to one mobile number; never sent twice."
    source = "SmsGateway24 API v1.0, addsms"
    model = TextParams
    repeatable = False
    lookup = TextLookup()

    def prepare(self, params: Params, provider: Provider) -> Params:
        account = smsgateway24(provider)
        prepared = dumped(checked(TextParams, params))
        try:
            prepared["to"] = to_e164(prepared["to"], account.region)
        except ValueError as error:
            raise InvalidParams(str(error), field="to") from None
        prepared.setdefault("device_id", account.device_id)
        if account.sim is not None:
            prepared.setdefault("sim", account.sim)
        return prepared

    def recipient(self, params: Params) -> str | None:
        return str(params["to"])

    def guard(self, params: Params, provider: Provider) -> str | None:
        of_number = country(params["to"])
        if of_number in smsgateway24(provider).allowed:
            return None
        return f"country {of_number or 'of this number'} is not allowed"

    def request(self, params: Params, identity: Identity, provider: Provider) -> Request:
        fields: dict[str, str | int] = {
            "sendto": params["to"],
            "body": params["text"],
            "device_id": params["device_id"],
            "customerid": identity.tag,
            **{name: params[name] for name in ("sim", "timetosend") if name in params},
        }
        return request("addsms", fields, smsgateway24(provider))

    def read(self, answer: Answer, params: Params, provider: Provider) -> Outcome:  # noqa: ARG002 - the port's signature
        return outcome(answer, smsgateway24(provider), reference="sms_id")
