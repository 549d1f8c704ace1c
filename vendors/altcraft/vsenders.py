"""`vsenders/...`: virtual senders, for users and, with `account_id`, for administrators.

What must not go in: finding a sender again after a call in doubt (see `vsender_lookup`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field, StrictInt, StrictStr

from vendors.altcraft.call import Call, reference
from vendors.altcraft.contact import Line
from vendors.altcraft.envelope import Judged
from vendors.altcraft.provider import AltcraftProvider, Id
from vendors.altcraft.vsender_lookup import SenderLookup, list_path, name_of
from vendors.parameters import StrictParams
from vendors.wire import Identity, InvalidParams, Outcome, OutcomeKind, Params

Percent = Annotated[int, Field(ge=0, le=100)]


class Account(StrictParams):
    """What every call for an administrator names."""

    account_id: Id | None = Field(None, description="account; for administrator tokens")


class ListParams(Account):
    """What `vsenders/list` takes."""

    from_id: Id | None = Field(None, description="first id of the list; default 1")
    limit: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None, description="most that one answer holds; default 1000"
    )


class SenderParams(Account):
    """What `vsenders/get` and `vsenders/delete` take."""

    id: Id = Field(description="virtual sender")


class CloneParams(SenderParams):
    """What `vsenders/clone` takes."""

    name: Line | None = Field(
        None, description="name of the copy; without one it gets a name that can be found again"
    )


class RuleSender(StrictParams):
    """A real sender within a rule, and its share."""

    sender_id: Id = Field(description="real sender")
    percent: Percent = Field(description="its share")
    from_email: str | None = Field(None, description="instead of the message's own")
    from_name: str | None = Field(None, description="instead of the message's own")
    replyto_email: str | None = Field(None, description="instead of the message's own")


class Rule(StrictParams):
    """Which real senders are used, and when."""

    type: Line = Field(description="when it applies; default, group_id, from_domain, ...")
    value: StrictInt | StrictStr = Field(description="what is compared; empty with default")
    senders: list[RuleSender] = Field(min_length=1, description="real senders")


class AddParams(Account):
    """What `vsenders/add` takes."""

    name: Line = Field(description="name, unique in the account")
    email_rules: list[Rule] = Field(description="rules for email, the default one last")
    sms_rules: list[Rule] = Field(description="rules for SMS, the default one last")


class UpdateParams(SenderParams):
    """What `vsenders/update` takes."""

    name: Line | None = Field(None, description="name, unique in the account")
    email_rules: list[Rule] | None = Field(None, description="rules for email, default last")
    sms_rules: list[Rule] | None = Field(None, description="rules for SMS, default last")


Made = Literal["always", "perhaps"]


def _fill(params: Params, provider: AltcraftProvider) -> Params:
    if provider.administrator and provider.account_id is not None:
        params = {"account_id": provider.account_id, **params}
    for name in ("email_rules", "sms_rules"):
        kinds = [rule["type"] for rule in params.get(name) or []]
        if "default" in kinds[:-1] or (kinds and kinds[-1] != "default"):
            raise InvalidParams("the default rule stands last, once", field=name)
    return params


def _named(params: Params, identity: Identity) -> Params:
    return {**params, "name": name_of(params, identity)}


def _with_sender(told: Made) -> Any:
    """A success refers to the sender that was made. Where the answer is known to name it, one that
    does not is in doubt."""

    def conclude(answer: Judged, params: Params) -> Outcome:  # noqa: ARG001
        if answer.outcome.kind is not OutcomeKind.DONE:
            return answer.outcome
        data = answer.content.get("data")
        made = reference(data.get("saved_id")) if isinstance(data, dict) else None
        if made is None and told == "always":
            reason = "the answer does not name what was made"
            return replace(answer.outcome, kind=OutcomeKind.UNKNOWN, reason=reason)
        return replace(answer.outcome, reference=made)

    return conclude


VSENDERS = (
    Call(
        name="vsenders/list",
        summary="Read the virtual senders.",
        source="Altcraft, Get virtual senders list (2195762; administrators 67735)",
        model=ListParams,
        repeatable=True,
        fill=_fill,
        path=lambda name, params: list_path(params),  # noqa: ARG005
    ),
    Call(
        name="vsenders/get",
        summary="Read a virtual sender.",
        source="Altcraft, Get virtual sender information (2195765)",
        model=SenderParams,
        repeatable=True,
        fill=_fill,
    ),
    Call(
        name="vsenders/clone",
        summary="Copy a virtual sender; never twice.",
        source="Altcraft, Clone virtual sender (2195767)",
        model=CloneParams,
        repeatable=False,
        lookup=SenderLookup(clones=True),
        fill=_fill,
        body=_named,
        conclude=_with_sender("always"),
    ),
    Call(
        name="vsenders/add",
        summary="Create a virtual sender; never twice.",
        source="Altcraft, Create virtual sender (2195769)",
        model=AddParams,
        repeatable=False,
        lookup=SenderLookup(clones=False),
        fill=_fill,
        conclude=_with_sender("perhaps"),
    ),
    Call(
        name="vsenders/update",
        summary="Change a virtual sender.",
        source="Altcraft, Update virtual sender; path and fields inferred from vsenders/add",
        model=UpdateParams,
        repeatable=True,
        fill=_fill,
    ),
    Call(
        name="vsenders/delete",
        summary="Delete a virtual sender.",
        source="Altcraft, Delete virtual sender (2195773)",
        model=SenderParams,
        repeatable=True,
        fill=_fill,
    ),
)
