"""`profiles/...`: importing, updating, adding and reading profiles, one or many at a time.

What must not go in: what an import sets (see `imports`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field, model_validator

from vendors.altcraft import imports, order, queue
from vendors.altcraft.batch import MOST, SteadyItem, check_items, itemised
from vendors.altcraft.call import Call, Keep, in_place, reference
from vendors.altcraft.contact import Line, recipient
from vendors.altcraft.envelope import Judged
from vendors.altcraft.matching import Matching, ModeName
from vendors.altcraft.profile import ProfileData, SteadyData
from vendors.altcraft.provider import AltcraftProvider, Id, altcraft
from vendors.effect import Effect, Target
from vendors.parameters import StrictParams
from vendors.provider import Provider
from vendors.wire import Identity, InvalidParams, Outcome, OutcomeKind, Params, Request

Segments = Annotated[list[Id], Field(max_length=1000)]


class ImportOptions(StrictParams):
    """How an import goes about it."""

    db_id: Id | None = Field(None, description="database; default the provider's")
    skip_triggers: bool | None = Field(None, description="suppress trigger events")
    skip_invalid_subscriptions: bool | None = Field(
        None, description="leave out subscriptions that are not valid instead of failing"
    )


class ImportParams(Matching, ImportOptions):
    """What `profiles/import` and `profiles/update` take."""

    detect_geo: bool | None = Field(None, description="place by `_regip` or `_ip` of the data")
    add_to_segments: Segments | None = Field(None, description="static segments to add it to")
    remove_from_segments: Segments | None = Field(None, description="segments to take it out of")
    data: SteadyData = Field(description="fields of the profile, and `subscriptions`")


class ImportBatchParams(ImportOptions):
    """What `profiles/import_batch` and `profiles/update_batch` take. Each item holds the field by
    which it is found among its data."""

    matching: ModeName | None = Field(None, description="how profiles are found; default email")
    field_name: Line | None = Field(None, description="field of the database, with custom")
    resource_id: Id | None = Field(None, description="narrows email and phone modes")
    detect_geo: bool | None = Field(None, description="place by `_regip` or `_ip` of the data")
    data: list[SteadyItem] = Field(
        min_length=1, max_length=MOST, description="profiles: fields, and `subscriptions`"
    )

    @model_validator(mode="after")
    def _are_found(self) -> ImportBatchParams:
        check_items(self.data, self.matching, self.field_name)
        return self


class AddParams(ImportOptions):
    """What `profiles/add` takes."""

    data: ProfileData = Field(description="fields of the new profile, and `subscriptions`")


class AddBatchParams(ImportOptions):
    """What `profiles/add_batch` takes."""

    data: list[ProfileData] = Field(
        min_length=1, max_length=MOST, description="new profiles: fields, and `subscriptions`"
    )


class GetParams(Matching):
    """What `profiles/get` takes."""

    db_id: Id | None = Field(None, description="database; default the provider's")


class MessageUnsubParams(StrictParams):
    """What `profiles/message_unsub` takes."""

    rtoken: Line = Field(description="token of the resource that sent the message")
    smid: Line = Field(description="id of the sent message")
    categories: list[Line] | None = Field(
        None, min_length=1, description="only these categories; the whole subscription if not given"
    )


@dataclass(frozen=True, kw_only=True)
class ImportCall(Call):
    """A call that a provider may also send through the platform's import queue."""

    update_only: bool = False

    def prepare(self, params: Params, provider: Provider) -> Params:
        prepared = super().prepare(params, provider)
        if altcraft(provider).imports == "queue":
            for name in prepared:
                if name not in queue.IMPORTABLE:
                    raise InvalidParams("the import queue does not know this", field=name)
        return prepared

    def request(self, params: Params, identity: Identity, provider: Provider) -> Request:
        account = altcraft(provider)
        if account.imports == "queue":
            return queue.import_request(
                params, identity=identity, provider=account, update_only=self.update_only
            )
        return super().request(params, identity, provider)


def with_profile(answer: Judged, params: Params) -> Outcome:  # noqa: ARG001
    """A success refers to the profile that the platform found or made."""
    if answer.outcome.kind is not OutcomeKind.DONE:
        return answer.outcome
    return replace(answer.outcome, reference=reference(answer.content.get("profile_id")))


def _inserts(
    params: Params,
    data: Params,
    found: list[tuple[str, ...]],
    provider: AltcraftProvider,
) -> Iterable[Target]:
    """A profile that is inserted: the same address, or else the same data, is the same one."""
    own = {name: value for name, value in data.items() if name != "subscriptions"}
    yield order.once(provider, "insert", params["db_id"], found or own)


def _unsubscribing(params: Params, provider: AltcraftProvider) -> Effect:
    """Whose subscription it is, only the platform knows: calls that name the person or the
    subscription cannot meet this one, and it has nobody to wait for. Only repeats of it are in
    order."""
    entity = order.thing(provider, "message", params["smid"])
    fields = [f"cats.{name}" for name in params.get("categories") or ()] or ["status"]
    return Effect(targets=(Target(entity=entity, fields=frozenset(fields)),))


def _less_unsubscribed(params: Params, keep: Keep, provider: AltcraftProvider) -> Params:
    kept = keep.get(order.thing(provider, "message", params["smid"]), frozenset())
    if "categories" not in params or "*" in kept:
        return dict(params)
    return {**params, "categories": [it for it in params["categories"] if f"cats.{it}" in kept]}


def _whom(params: Params) -> str | None:
    return recipient(params) or recipient(params["data"])


PROFILES = (
    ImportCall(
        name="profiles/import",
        summary="Create or update a profile, with its subscriptions.",
        source="Altcraft, Import profile",
        model=ImportParams,
        repeatable=True,
        fill=imports.fill_one,
        sets=imports.sets_one(),
        less=imports.less_one,
        conclude=with_profile,
        whom=_whom,
    ),
    ImportCall(
        name="profiles/update",
        summary="Update a profile that exists, with its subscriptions.",
        source="Altcraft, Update profile; path from Deduplication of requests (41484312)",
        model=ImportParams,
        repeatable=True,
        fill=imports.fill_one,
        sets=imports.sets_one(),
        less=imports.less_one,
        conclude=with_profile,
        whom=_whom,
        update_only=True,
    ),
    Call(
        name="profiles/import_batch",
        summary="Create or update many profiles.",
        source="Altcraft, Import multiple profiles (2195504)",
        model=ImportBatchParams,
        repeatable=True,
        fill=imports.fill_many,
        sets=imports.sets_many(),
        less=imports.less_many(),
        conclude=itemised(repeatable=True),
    ),
    Call(
        name="profiles/update_batch",
        summary="Update many profiles that exist.",
        source="Altcraft, Update multiple profiles (2195501)",
        model=ImportBatchParams,
        repeatable=True,
        fill=imports.fill_many,
        sets=imports.sets_many(),
        less=imports.less_many(),
        conclude=itemised(repeatable=True),
    ),
    Call(
        name="profiles/add",
        summary="Insert a new profile without searching for an old one.",
        source="Altcraft, Add profile to database (2195477)",
        model=AddParams,
        repeatable=False,
        fill=imports.fill_one,
        sets=imports.sets_one(_inserts),
        less=imports.less_one,
        conclude=with_profile,
        whom=_whom,
    ),
    Call(
        name="profiles/add_batch",
        summary="Insert many new profiles without searching for old ones.",
        source="Altcraft, Add multiple profiles (2195496)",
        model=AddBatchParams,
        repeatable=False,
        fill=imports.fill_many,
        sets=imports.sets_many(_inserts, adds=True),
        less=imports.less_many(_inserts, adds=True),
        conclude=itemised(repeatable=False),
    ),
    Call(
        name="profiles/get",
        summary="Read a profile.",
        source="Altcraft, Get profile data",
        model=GetParams,
        repeatable=True,
        fill=in_place("db_id"),
        whom=recipient,
    ),
    Call(
        name="profiles/message_unsub",
        summary="Unsubscribe whom a message was sent to.",
        source="Altcraft, Unsubscribe profile from resource (41484441)",
        model=MessageUnsubParams,
        repeatable=True,
        sets=_unsubscribing,
        less=_less_unsubscribed,
        conclude=with_profile,
    ),
)
