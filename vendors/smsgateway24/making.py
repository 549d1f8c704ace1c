"""What the calls share that make something which can neither be repeated nor looked up.

An unknown outcome of such a call waits for a person. What must not go in: one call's parameters.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from vendors.operation import Operation
from vendors.parameters import checked, dumped
from vendors.provider import Provider
from vendors.smsgateway24.envelope import outcome, request
from vendors.smsgateway24.provider import smsgateway24
from vendors.wire import Answer, Identity, Outcome, Params, Request

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
TagId = Annotated[int, Field(ge=1, le=2**53)]


class Making(Operation):
    """`makes` names the field of an answer with the id of what was made."""

    makes = "id"
    model: type[BaseModel]
    repeatable = False

    def prepare(self, params: Params, provider: Provider) -> Params:  # noqa: ARG002 - for those that fill in
        return dumped(checked(self.model, params))

    def request(self, params: Params, identity: Identity, provider: Provider) -> Request:  # noqa: ARG002 - the port's signature
        return request(self.name, dict(params), smsgateway24(provider))

    def read(self, answer: Answer, params: Params, provider: Provider) -> Outcome:  # noqa: ARG002 - the port's signature
        return outcome(answer, smsgateway24(provider), reference=self.makes)
