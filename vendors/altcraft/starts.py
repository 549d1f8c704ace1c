"""What trigger mailings and scenarios have in common: somebody is found, or imported first, and
something is started for them.

A start is not a state: sent twice, the message goes out twice. The platform recognises a repeat by
its Request-ID for a day, and nothing can be looked up after that. What must not go in: which calls
there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, JsonValue, StringConstraints, model_validator

from vendors.altcraft import imports, order
from vendors.altcraft.batch import MOST, LooseItem, check_items, itemised
from vendors.altcraft.call import Call
from vendors.altcraft.contact import Line, recipient, wrong
from vendors.altcraft.matching import FindingFields, Matching, Mode, ModeName, check_found
from vendors.altcraft.profile import ProfileData
from vendors.altcraft.profiles import ImportOptions, with_profile
from vendors.altcraft.provider import AltcraftProvider, Id
from vendors.altcraft.values import Fields
from vendors.effect import Target
from vendors.parameters import StrictParams
from vendors.wire import Params

StartId = Id | Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9]{1,15}$")]
Attached = dict[str, JsonValue]


class Message(StrictParams):
    """What goes along with a start."""

    content: Fields | None = Field(None, description="variables of the template (apicontent)")
    attach: list[Attached] | None = Field(None, description="files to attach")
    custom_data: Fields | None = Field(None, description="goes along into action hooks")


class StartParams(FindingFields, Message):
    """Start for one profile that exists, or for those that a query finds."""

    id: StartId = Field(description="what is started")
    custom_request: dict[str, JsonValue] | None = Field(
        None, description="MongoDB filter, when no matching is given"
    )

    @model_validator(mode="after")
    def _is_found(self) -> StartParams:
        given = self.given()
        if self.custom_request is None:
            check_found(Mode(self.matching or "email"), given)
        elif given or self.matching is not None:
            raise wrong("is for calls without matching", "custom_request")
        return self


class StartBatchParams(Message):
    """Start for many profiles that exist. Each item holds the field by which it is found."""

    matching: ModeName | None = Field(None, description="how profiles are found; default email")
    field_name: Line | None = Field(None, description="field of the database, with custom")
    data: list[LooseItem] = Field(min_length=1, max_length=MOST, description="whom to start it for")

    @model_validator(mode="after")
    def _are_found(self) -> StartBatchParams:
        check_items(self.data, self.matching, self.field_name)
        return self


class ImportAndStartParams(Matching, ImportOptions, Message):
    """Import one profile, then start for it."""

    detect_geo: bool | None = Field(None, description="place by `_regip` or `_ip` of the data")
    data: ProfileData | None = Field(None, description="fields of the profile, `subscriptions`")


class ImportAndStartBatchParams(StartBatchParams, ImportOptions):
    """Import many profiles, then start for them."""

    resource_id: Id | None = Field(None, description="narrows email and phone modes")
    detect_geo: bool | None = Field(None, description="place by `_regip` or `_ip` of the data")


@dataclass(frozen=True, slots=True, kw_only=True)
class Startable:
    """A family of starts: where its calls stand, and which field names what is started."""

    path: str
    field: str
    what: str

    def happens(
        self,
        params: Params,
        data: Params,
        found: list[tuple[str, ...]],
        provider: AltcraftProvider,
    ) -> Iterable[Target]:
        """The start itself, named by all that makes it this one."""
        along: list[Any] = [params.get(name) for name in ("content", "custom_data")]
        own = [data.get(name) for name in ("content", "custom_data")]
        what = [self.path, params[self.field], *along, *own]
        yield order.once(provider, "start", params["db_id"], what, found)

    def calls(
        self,
        sources: tuple[str, str, str, str],
        batch: type[StrictParams],
        one: type[StrictParams],
        many: type[StrictParams],
    ) -> tuple[Call, ...]:
        """The four calls of a family; the models name what is started in their own way."""
        return (
            Call(
                name=f"{self.path}/start",
                summary=f"Start {self.what} for a profile.",
                source=sources[0],
                model=StartParams,
                repeatable=False,
                whom=recipient,
            ),
            Call(
                name=f"{self.path}/start_batch",
                summary=f"Start {self.what} for many profiles.",
                source=sources[1],
                model=batch,
                repeatable=False,
                conclude=itemised(repeatable=False, always=False),
            ),
            Call(
                name=f"{self.path}/import_and_start",
                summary=f"Import a profile, then start {self.what} for it.",
                source=sources[2],
                model=one,
                repeatable=False,
                fill=imports.fill_one,
                sets=imports.sets_one(self.happens),
                less=imports.less_one,
                conclude=with_profile,
                whom=recipient,
            ),
            Call(
                name=f"{self.path}/import_and_start_batch",
                summary=f"Import many profiles, then start {self.what} for them.",
                source=sources[3],
                model=many,
                repeatable=False,
                fill=imports.fill_many,
                sets=imports.sets_many(self.happens),
                less=imports.less_many(self.happens),
                conclude=itemised(repeatable=False, always=False),
            ),
        )
