"""What all calls that only read share. What must not go in: one call's parameters."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from vendors.operation import Operation
from vendors.parameters import StrictParams, checked, dumped
from vendors.provider import Provider
from vendors.smsgateway24.envelope import answered, request
from vendors.smsgateway24.provider import SmsGateway24Provider, smsgateway24
from vendors.wire import Answer, Identity, InvalidParams, Outcome, Params, Request


class NoParams(StrictParams):
    """Nothing."""


class Reading(Operation):
    """A call that changes nothing. `shows` names the field of an answer that must be there."""

    shows = "message"
    model: type[BaseModel] = NoParams
    repeatable = True

    def prepare(self, params: Params, provider: Provider) -> Params:  # noqa: ARG002 - for those that fill in
        return dumped(checked(self.model, params))

    def request(self, params: Params, identity: Identity, provider: Provider) -> Request:  # noqa: ARG002 - the port's signature
        return request(self.name, dict(params), smsgateway24(provider))

    def read(self, answer: Answer, params: Params, provider: Provider) -> Outcome:  # noqa: ARG002 - the port's signature
        return answered(answer, smsgateway24(provider), shows=self.shows)


def with_device(prepared: dict[str, Any], account: SmsGateway24Provider) -> Params:
    """With the provider's device, if it has one only. Raises InvalidParams."""
    if "device_id" not in prepared:
        if account.picks:
            problem = "is required: the provider has several devices"
            raise InvalidParams(problem, field="device_id")
        prepared["device_id"] = account.devices[0]
    return prepared
