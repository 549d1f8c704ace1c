"""`suppresses/...`: lists of addresses and numbers that nothing is sent to.

Email calls name the address `email`, phone calls name the number `value`. What must not go in: what
is sent to whom.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pydantic import Field

from vendors.altcraft import order
from vendors.altcraft.call import Call, Keep, reference
from vendors.altcraft.contact import Email, Line, Phone, email_contact, phone_contact
from vendors.altcraft.envelope import Judged
from vendors.altcraft.provider import AltcraftProvider, Id
from vendors.answers import code
from vendors.effect import Effect, Target
from vendors.parameters import StrictParams
from vendors.wire import Outcome, OutcomeKind, Params


class EmailParams(StrictParams):
    """What the email calls take."""

    id: Id = Field(description="suppression list")
    email: Email = Field(description="address")


class PhoneParams(StrictParams):
    """What the phone calls take."""

    id: Id = Field(description="suppression list")
    value: Phone = Field(description="number")


class PhonesParams(StrictParams):
    """What `suppresses/phones_add` takes."""

    id: Id = Field(description="suppression list")
    values: list[Phone] = Field(min_length=1, max_length=10_000, description="numbers")


class ListParams(StrictParams):
    """What `suppresses/add` takes."""

    name: Line = Field(description="name of the new list")


def _entry(provider: AltcraftProvider, params: Params, contact: tuple[str, ...]) -> str:
    return order.thing(provider, "suppression", params["id"], *contact)


def _listing(entries: Iterable[str]) -> Effect:
    """Who is on the list is the whole state: of two calls for one entry the newer one counts."""
    names = tuple(sorted(set(entries)))
    targets = tuple(Target(entity=name, fields=frozenset({"listed"})) for name in names)
    return Effect(order_keys=names, targets=targets)


def _email(params: Params, provider: AltcraftProvider) -> Effect:
    return _listing([_entry(provider, params, email_contact(params["email"]))])


def _phone(params: Params, provider: AltcraftProvider) -> Effect:
    return _listing([_entry(provider, params, phone_contact(params["value"]))])


def _phones(params: Params, provider: AltcraftProvider) -> Effect:
    return _listing(_entry(provider, params, phone_contact(it)) for it in params["values"])


def _less_phones(params: Params, keep: Keep, provider: AltcraftProvider) -> Params:
    kept = [it for it in params["values"] if keep.get(_entry(provider, params, phone_contact(it)))]
    return {**params, "values": kept}


def _counted(answer: Judged, params: Params) -> Outcome:
    """The platform counts what it could not use but does not say which: a person has to look."""
    invalid = code(answer.content.get("total_invalid"))
    if answer.outcome.kind is not OutcomeKind.DONE or not invalid:
        return answer.outcome
    reason = f"{invalid} of {len(params.get('values', []))} numbers were not valid there"
    return replace(answer.outcome, kind=OutcomeKind.REFUSED, reason=reason)


def _with_list(answer: Judged, params: Params) -> Outcome:  # noqa: ARG001
    data = answer.content.get("data")
    if answer.outcome.kind is not OutcomeKind.DONE or not isinstance(data, dict):
        return answer.outcome
    return replace(answer.outcome, reference=reference(data.get("saved_id")))


def _whom(params: Params) -> str | None:
    return str(params.get("email") or params["value"])


SUPPRESSES = (
    Call(
        name="suppresses/email_check",
        summary="Read whether an address is suppressed.",
        source="Altcraft, Check if email is suppressed (2195633)",
        model=EmailParams,
        repeatable=True,
        whom=_whom,
    ),
    Call(
        name="suppresses/email_add",
        summary="Suppress an address.",
        source="Altcraft, Add email to suppression list (2195625)",
        model=EmailParams,
        repeatable=True,
        sets=_email,
        whom=_whom,
    ),
    Call(
        name="suppresses/email_remove",
        summary="Take an address off a suppression list.",
        source="Altcraft, Remove email from suppression list (2195637); end of its path inferred",
        model=EmailParams,
        repeatable=True,
        sets=_email,
        whom=_whom,
    ),
    Call(
        name="suppresses/phone_check",
        summary="Read whether a number is suppressed.",
        source="Altcraft, Check if phone number is suppressed (76809084)",
        model=PhoneParams,
        repeatable=True,
        whom=_whom,
    ),
    Call(
        name="suppresses/phone_add",
        summary="Suppress a number.",
        source="Altcraft, Add phone number to suppression list (76809087)",
        model=PhoneParams,
        repeatable=True,
        sets=_phone,
        whom=_whom,
    ),
    Call(
        name="suppresses/phones_add",
        summary="Suppress many numbers.",
        source="Altcraft, Add multiple phones to suppression list (76809091)",
        model=PhonesParams,
        repeatable=True,
        sets=_phones,
        less=_less_phones,
        conclude=_counted,
    ),
    Call(
        name="suppresses/phone_remove",
        summary="Take a number off a suppression list.",
        source="Altcraft, Remove phone number from suppression list (76809096)",
        model=PhoneParams,
        repeatable=True,
        sets=_phone,
        whom=_whom,
    ),
    Call(
        name="suppresses/add",
        summary="Create a suppression list.",
        source="Altcraft, Create suppression list; path from Deduplication (41484312)",
        model=ListParams,
        repeatable=False,
        conclude=_with_list,
    ),
)
