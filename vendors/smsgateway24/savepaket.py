"""`savepaket`: a newsletter to all contacts of some tags. It goes out when somebody taps Start on
the phone.

What must not go in: who the contacts are.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from vendors.parameters import StrictParams
from vendors.provider import Provider
from vendors.smsgateway24.envelope import outcome, request
from vendors.smsgateway24.making import Making, TagId, Title
from vendors.smsgateway24.moments import TimeToSend
from vendors.smsgateway24.provider import DeviceId, Sim, smsgateway24
from vendors.smsgateway24.reading import with_device
from vendors.smsgateway24.sending import Body, worded
from vendors.wire import Answer, Identity, Outcome, OutcomeKind, Params, Request

_TAGS = re.compile(r"[1-9][0-9]{0,15}( *, *[1-9][0-9]{0,15})*", re.ASCII)


def _tags(value: list[int] | str) -> str:
    if isinstance(value, list):
        return ",".join(str(tag) for tag in value)
    if not _TAGS.fullmatch(value.strip()):
        raise ValueError("expected ids of tags, separated by commas")
    return value.replace(" ", "")


class PaketParams(StrictParams):
    """What the call takes."""

    title: Title = Field(description="its name, for us")
    body: Body = Field(description="the text")
    tags: Annotated[
        Annotated[list[TagId], Field(min_length=1, max_length=1000)] | str, AfterValidator(_tags)
    ] = Field(description="ids of the tags whose contacts get it, a list or 12,13,14")
    device_id: DeviceId | None = Field(None, description="the phone that sends")
    sim: Sim | None = Field(None, description="slot of the phone; 0 if not given")
    time_to_send: TimeToSend | None = Field(
        None, description="not before then, UTC; Start has to be tapped on the phone all the same"
    )


class SavePaket(Making):
    """The operation."""

    name = "savepaket"
    summary = "A newsletter to the contacts of some tags; it goes out when the phone is told to."
    source = "SmsGateway24 API v1.0, savepaket"
    model = PaketParams
    makes = "paket_id"

    def prepare(self, params: Params, provider: Provider) -> Params:
        account = smsgateway24(provider)
        prepared = with_device(super().prepare(params, provider), account)
        prepared["body"] = worded(prepared["body"], account, field="body")
        prepared.setdefault("sim", 0 if account.sim is None else account.sim)
        return prepared

    def request(self, params: Params, identity: Identity, provider: Provider) -> Request:  # noqa: ARG002 - the port's signature
        # Both are marked as required, with a default of 0.
        fields = {"time_to_send": "0", **params}
        return request(self.name, fields, smsgateway24(provider))

    def read(self, answer: Answer, params: Params, provider: Provider) -> Outcome:
        read = super().read(answer, params, provider)
        if read.kind is OutcomeKind.UNKNOWN:
            # The vendor's own client reads the id from `paket`.
            return outcome(answer, smsgateway24(provider), reference="paket")
        return read
