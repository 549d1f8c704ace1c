"""What all calls that send one text to one number share, however the vendor names the parameters.

What must not go in: several recipients in one call; one lookup could not tell them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from vendors.operation import Operation, TextFacts
from vendors.parameters import StrictParams, checked, dumped
from vendors.provider import Provider
from vendors.smsgateway24 import segments
from vendors.smsgateway24.envelope import outcome, request
from vendors.smsgateway24.follow import TextFollow
from vendors.smsgateway24.lookup import TextLookup
from vendors.smsgateway24.moments import Timetosend
from vendors.smsgateway24.number import country, to_e164
from vendors.smsgateway24.provider import DeviceId, Sim, SmsGateway24Provider, smsgateway24
from vendors.smsgateway24.rotation import DeviceRotation
from vendors.smsgateway24.text import cleaned
from vendors.smsgateway24.typography import plain
from vendors.wire import Answer, Identity, InvalidParams, Outcome, Params, Request

Body = Annotated[str, AfterValidator(cleaned)]
Urgent = bool | Literal[0, 1]

_OURS = {
    "customerid": "it carries the tag by which a text is found again, so it is set here",
    "token": "credentials stand in the provider's settings",
    "email": "credentials stand in the provider's settings",
    "pass": "credentials stand in the provider's settings",
}


class Sending(StrictParams):
    """How a text goes out, whoever gets it."""

    device_id: DeviceId | None = Field(None, description="the phone that sends")
    sim: Sim | None = Field(None, description="slot of the phone")
    timetosend: Timetosend | None = Field(
        None, description="when to send, UTC; at once if not given"
    )
    urgent: Urgent | None = Field(
        None, description="whether it goes before others; so it does in the urgent lane"
    )


class VendorText(Sending):
    """One text, under the vendor's own names."""

    sendto: str = Field(description="one mobile number; without a country it is one of the region")
    body: Body = Field(description="the text")


def refuse_ours(params: Params) -> None:
    """Refuse with a reason what the vendor's page lists but an action must not set."""
    for name, problem in _OURS.items():
        if params.get(name) is not None:
            raise InvalidParams(problem, field=name)


def one_number(written: str, account: SmsGateway24Provider, *, field: str) -> str:
    if "," in written:
        problem = (
            "one number a call: of several it answers one id, so none could be found again; "
            "use addalotofsms or one call for each"
        )
        raise InvalidParams(problem, field=field)
    try:
        return to_e164(written, account.region)
    except ValueError as error:
        raise InvalidParams(str(error), field=field) from None


def as_sent(text: str, account: SmsGateway24Provider) -> str:
    """What of a text is counted and paid for."""
    return plain(text) if account.transliterate else text


def worded(text: str, account: SmsGateway24Provider, *, field: str) -> str:
    """The body as it goes out."""
    if not account.transliterate:
        return text
    try:
        return cleaned(plain(text))  # again: three dots are longer than one sign
    except ValueError as error:
        raise InvalidParams(str(error), field=field) from None


def refused_country(number: str, account: SmsGateway24Provider) -> str | None:
    of_number = country(number)
    if of_number in account.allowed:
        return None
    return f"country {of_number or 'of this number'} is not allowed"


def sent_fields(
    params: Mapping[str, str | int | bool],
    account: SmsGateway24Provider,
    identity: Identity,
) -> dict[str, str | int]:
    """The vendor's fields beside number and body."""
    fields: dict[str, str | int] = {
        # Left out only where the device is picked as the text goes out.
        "device_id": params.get("device_id", account.devices[0]),
        "customerid": identity.tag,
        **{name: params[name] for name in ("sim", "timetosend") if name in params},
    }
    if params.get("urgent", identity.urgent):
        fields["urgent"] = 1
    return fields


class OneText(Operation):
    """A call that sends one text. `to` and `text` name the parameters of number and body."""

    to = "sendto"
    text = "body"
    call = "addsms"
    model: type[BaseModel] = VendorText
    repeatable = False
    lookup = TextLookup(to="sendto", text="body")
    follow = TextFollow()
    rotation = DeviceRotation()

    def prepare(self, params: Params, provider: Provider) -> Params:
        account = smsgateway24(provider)
        refuse_ours(params)
        prepared = dumped(checked(self.model, params))
        prepared[self.to] = one_number(prepared[self.to], account, field=self.to)
        prepared[self.text] = worded(prepared[self.text], account, field=self.text)
        if not account.picks:
            prepared.setdefault("device_id", account.devices[0])
        if account.sim is not None:
            prepared.setdefault("sim", account.sim)
        return prepared

    def recipient(self, params: Params) -> str | None:
        return str(params[self.to])

    def guard(self, params: Params, provider: Provider) -> str | None:
        return refused_country(params[self.to], smsgateway24(provider))

    def facts(self, params: Params, provider: Provider) -> tuple[TextFacts, ...]:
        return (segments.facts(as_sent(params[self.text], smsgateway24(provider))),)

    def request(self, params: Params, identity: Identity, provider: Provider) -> Request:
        account = smsgateway24(provider)
        return request(self.call, self.fields(params, identity, account), account)

    def fields(
        self, params: Params, identity: Identity, account: SmsGateway24Provider
    ) -> dict[str, str | int]:
        to_whom = {"sendto": params[self.to], "body": params[self.text]}
        return {**to_whom, **sent_fields(params, account, identity)}

    def read(self, answer: Answer, params: Params, provider: Provider) -> Outcome:  # noqa: ARG002 - the port's signature
        return outcome(answer, smsgateway24(provider), reference="sms_id")
