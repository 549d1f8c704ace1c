"""`goals/register`: that somebody reached a goal. It happens each time it is told, so a repeat
counts twice. What must not go in: what a goal leads to."""

from __future__ import annotations

from typing import Annotated

import orjson
from pydantic import AfterValidator, Field, JsonValue, model_validator

from vendors.altcraft.call import Call, in_place
from vendors.altcraft.contact import Line, recipient, wrong
from vendors.altcraft.matching import Matching, Mode
from vendors.altcraft.provider import Id
from vendors.altcraft.values import IpAddress, Moment
from vendors.parameters import StrictParams

_MODES = frozenset({Mode.EMAIL, Mode.EMAIL_PROFILE, Mode.PHONE, Mode.PROFILE_ID, Mode.CUSTOM})


def _flat(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if any(isinstance(content, dict | list) for content in value.values()):
        raise ValueError("expected a flat object")
    if len(orjson.dumps(value)) > 1024:
        raise ValueError("is larger than 1 KB")
    return value


GoalName = Annotated[Line, Field(max_length=128)]


class Goal(StrictParams):
    """One of several goals reached at once."""

    goal: GoalName = Field(description="its name")
    value: float | None = Field(None, description="what it is worth")


class GoalParams(Matching):
    """What `goals/register` takes."""

    db_id: Id | None = Field(None, description="database; default the provider's")
    pixel_id: Id = Field(description="pixel that the goal belongs to")
    goal: GoalName | None = Field(None, description="name of the goal")
    goals: list[Goal] | None = Field(None, min_length=1, description="several goals instead")
    value: float | None = Field(None, description="what the goal is worth")
    date: Moment | None = Field(None, description="when, RFC 3339; now if not given")
    pixel_data: Annotated[dict[str, JsonValue], AfterValidator(_flat)] | None = Field(
        None, description="more about it: a flat object up to 1 KB"
    )
    skip_triggers: bool | None = Field(None, description="suppress trigger events")
    enrich_profile: bool | None = Field(None, description="enrich the profile; default true")
    is_test: bool | None = Field(None, description="only a test")
    vendor: Line | None = Field(None, description="vendor")
    referer: Line | None = Field(None, description="page it came from")
    user_agent: Line | None = Field(None, description="browser")
    accept_language: Line | None = Field(None, description="languages of the browser")
    client_ip: IpAddress | None = Field(None, description="address of the visitor")

    @model_validator(mode="after")
    def _names_goals(self) -> GoalParams:
        if self.matching is not None and self.matching not in _MODES:
            raise wrong("expected one of " + ", ".join(sorted(_MODES)), "matching")
        if (self.goal is None) == (self.goals is None):
            raise wrong("expected either goal or goals", "goal")
        if self.goals is not None and self.value is not None:
            raise wrong("stands beside each of the goals", "value")
        return self


GOALS = (
    Call(
        name="goals/register",
        summary="Register that a profile reached a goal.",
        source="Altcraft, Goals registration (2195843)",
        model=GoalParams,
        repeatable=False,
        fill=in_place("db_id"),
        whom=recipient,
    ),
)
