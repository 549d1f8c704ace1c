"""`send`: one text to one number, through `addsms`, or with others through `addalotofsms`.

The provider knows no repeated call, so each text carries a tag by which it can be found again. What
must not go in: the vendor's own names for the parameters (see `addsms`).
"""

from __future__ import annotations

from pydantic import Field

from vendors.smsgateway24.gather import TextGather
from vendors.smsgateway24.lookup import TextLookup
from vendors.smsgateway24.sending import Body, OneText, Sending


class TextParams(Sending):
    """What `send` takes."""

    to: str = Field(description="one mobile number; without a country it is one of the region")
    text: Body = Field(description="the body")


class Send(OneText):
    """The operation."""

    name = "send"
    summary = "One text to one mobile number; never sent twice."
    source = "SmsGateway24 API v1.0, addsms"
    to = "to"
    text = "text"
    model = TextParams
    lookup = TextLookup()
    gather = TextGather()
