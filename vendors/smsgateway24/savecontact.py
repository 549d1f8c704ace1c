"""`savecontact`: a number under a tag, for newsletters.

What must not go in: numbers that a text could not go to; a newsletter reaches whoever is saved.
"""

from __future__ import annotations

from pydantic import Field

from vendors.parameters import StrictParams
from vendors.provider import Provider
from vendors.smsgateway24.envelope import request
from vendors.smsgateway24.making import Making, TagId, Title
from vendors.smsgateway24.provider import smsgateway24
from vendors.smsgateway24.sending import one_number, refused_country
from vendors.wire import Identity, Params, Request


class ContactParams(StrictParams):
    """What the call takes."""

    phone: str = Field(description="one mobile number; without a country it is one of the region")
    tag_id: TagId = Field(description="the tag it goes under")
    fullname: Title | None = Field(None, description="whose number it is")


class SaveContact(Making):
    """The operation."""

    name = "savecontact"
    summary = "A contact under a tag; the reference is its id."
    source = "SmsGateway24 API v1.0, savecontact"
    model = ContactParams
    makes = "contact_id"

    def prepare(self, params: Params, provider: Provider) -> Params:
        prepared = super().prepare(params, provider)
        number = one_number(prepared["phone"], smsgateway24(provider), field="phone")
        return {**prepared, "phone": number}

    def recipient(self, params: Params) -> str | None:
        return str(params["phone"])

    def guard(self, params: Params, provider: Provider) -> str | None:
        return refused_country(params["phone"], smsgateway24(provider))

    def request(self, params: Params, identity: Identity, provider: Provider) -> Request:  # noqa: ARG002 - the port's signature
        # The printed page calls the tag `ctag_id`, the vendor's own code `tag_id`.
        return request(self.name, {**params, "ctag_id": params["tag_id"]}, smsgateway24(provider))
