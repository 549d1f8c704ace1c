"""`addsms`: one text, under the vendor's own names. `send` is the same call under ours.

What must not go in: several recipients in one call; one lookup could not tell them apart.
"""

from __future__ import annotations

from vendors.smsgateway24.sending import OneText


class AddSms(OneText):
    """The operation."""

    name = "addsms"
    summary = "One text to one mobile number, with the vendor's own names for the parameters."
    source = "SmsGateway24 API v1.0, addsms"
