"""`savetag`: a tag that contacts can carry. Called twice it makes two, and there is no way to look
one up. What must not go in: contacts."""

from __future__ import annotations

from pydantic import Field

from vendors.parameters import StrictParams
from vendors.smsgateway24.making import Making, Title


class TagParams(StrictParams):
    """What the call takes."""

    title: Title = Field(description="its name")


class SaveTag(Making):
    """The operation."""

    name = "savetag"
    summary = "A tag for contacts; the reference is its id."
    source = "SmsGateway24 API v1.0, savetag"
    model = TagParams
    makes = "tag_id"
