"""`addalotofsms`: many texts of one action in one call, all with the action's tag.

Texts of several actions share a call by themselves (see `gather`); this is for an event that
carries a list. What must not go in: an answer for each text; the provider gives none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pydantic import Field

from vendors.lookup import Finding, Query, Sighting
from vendors.operation import Operation, TextFacts
from vendors.parameters import StrictParams, checked, dumped
from vendors.provider import Provider
from vendors.smsgateway24 import segments
from vendors.smsgateway24.bulk import CALL, bulk, taken
from vendors.smsgateway24.envelope import request
from vendors.smsgateway24.lookup import window
from vendors.smsgateway24.number import digits
from vendors.smsgateway24.provider import SmsGateway24Provider, smsgateway24
from vendors.smsgateway24.rows import reference, rows, tag
from vendors.smsgateway24.sending import (
    VendorText,
    as_sent,
    one_number,
    refuse_ours,
    refused_country,
    sent_fields,
    worded,
)
from vendors.wire import Answer, Identity, InvalidParams, Outcome, Params, Request


class BulkParams(StrictParams):
    """What the call takes."""

    smsdata: list[VendorText] = Field(
        min_length=1, max_length=1000, description="the texts: sendto, body, device_id, sim, ..."
    )


class TagLookup:
    """Finds all texts of one call by the tag they share; a part of them is no answer."""

    def queries(self, params: Params, identity: Identity, provider: Provider) -> Sequence[Query]:
        dates = window(identity, ordered=[text.get("timetosend") for text in params["smsdata"]])
        fields: dict[str, str | int] = {"customerid": identity.tag, **dates}
        asked = request("getallsms", fields, smsgateway24(provider))
        # A name of its own: that single texts keep the tag does not prove that these do.
        return (Query(form="customerid of many", request=asked),)

    def read(
        self, answer: Answer, params: Params, identity: Identity, claimed: frozenset[str]
    ) -> Sighting:
        listed, problem = rows(answer)
        wanted = Counter(digits(text["sendto"]) for text in params["smsdata"])
        there = Counter(
            digits(str(row["sendto"]))
            for row in listed
            if tag(row) == identity.tag and reference(row) not in claimed
        )
        if not wanted - there:
            return Sighting(finding=Finding.FOUND)
        if problem:
            return Sighting(finding=Finding.FAILED, reason=problem)
        if wanted & there:
            count = (wanted & there).total()
            reason = f"{count} of {wanted.total()} texts are there"
            return Sighting(finding=Finding.FAILED, reason=reason)
        return Sighting(finding=Finding.EMPTY)


class AddALotOfSms(Operation):
    """The operation."""

    name = CALL
    summary = "Many texts in one call; never sent twice."
    source = "SmsGateway24 API v1.0, addalotofsms"
    model = BulkParams
    repeatable = False
    lookup = TagLookup()

    def prepare(self, params: Params, provider: Provider) -> Params:
        account = smsgateway24(provider)
        given = params.get("smsdata")
        for index, text in enumerate(given if isinstance(given, list) else ()):
            if isinstance(text, dict):
                _refuse(text, index)
        prepared = dumped(checked(BulkParams, params))
        texts = enumerate(prepared["smsdata"])
        return {"smsdata": [_prepared(text, account, f"smsdata.{index}") for index, text in texts]}

    def recipient(self, params: Params) -> str | None:
        """The number, if it is one."""
        numbers = {text["sendto"] for text in params["smsdata"]}
        return str(numbers.pop()) if len(numbers) == 1 else None

    def guard(self, params: Params, provider: Provider) -> str | None:
        account = smsgateway24(provider)
        refusals = (refused_country(text["sendto"], account) for text in params["smsdata"])
        return next((refusal for refusal in refusals if refusal is not None), None)

    def facts(self, params: Params, provider: Provider) -> tuple[TextFacts, ...]:
        account = smsgateway24(provider)
        given = params.get("smsdata")
        return tuple(
            segments.facts(as_sent(str(text["body"]), account))
            for text in (given if isinstance(given, list) else ())
            if isinstance(text, dict) and "body" in text
        )

    def request(self, params: Params, identity: Identity, provider: Provider) -> Request:
        account = smsgateway24(provider)
        return bulk(
            [
                {
                    "sendto": text["sendto"],
                    "body": text["body"],
                    **sent_fields(text, account, identity),
                }
                for text in params["smsdata"]
            ],
            account,
        )

    def read(self, answer: Answer, params: Params, provider: Provider) -> Outcome:  # noqa: ARG002 - the port's signature
        return taken(answer, smsgateway24(provider))


def _refuse(text: Params, index: int) -> None:
    try:
        refuse_ours(text)
    except InvalidParams as refusal:
        raise InvalidParams(refusal.problem, field=f"smsdata.{index}.{refusal.field}") from None


def _prepared(text: Params, account: SmsGateway24Provider, place: str) -> Params:
    """One of the texts, in the same order of keys whatever order they were given in."""
    given = {name: value for name, value in text.items() if value is not None}
    given["sendto"] = one_number(given["sendto"], account, field=f"{place}.sendto")
    given["body"] = worded(given["body"], account, field=f"{place}.body")
    if "device_id" not in given and account.picks:
        problem = "is required: the provider has several devices"
        raise InvalidParams(problem, field=f"{place}.device_id")
    given.setdefault("device_id", account.devices[0])
    if account.sim is not None:
        given.setdefault("sim", account.sim)
    return given
