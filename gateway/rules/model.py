"""The rules as they are written: the shape of `rules:` in the configuration.

What must not go in: compiling, or anything that needs the providers.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from core.configuration import Duration
from core.messages import Lane
from gateway.events.types import check_glob

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def _check_id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ValueError("expected lower-case letters, digits and -, at most 64 characters")
    return text


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Id = Annotated[str, AfterValidator(_check_id)]
Globs = Annotated[
    tuple[Annotated[str, AfterValidator(check_glob)], ...],
    BeforeValidator(_as_list),
    Field(min_length=1, max_length=100),
]


class StepModel(BaseModel):
    """One entry of a rule's `do`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    call: str = Field(description="provider name, a dot, the vendor's own name for the call")
    params: dict[str, Any] = Field(default_factory=dict, alias="with")
    lane: Lane = Lane.NORMAL
    expires: Duration | None = Field(
        None, gt=timedelta(0), description="from the event's time: too late is worse than never"
    )
    id: Id | None = None


class RuleModel(BaseModel):
    """One rule: on which events, under which condition, what to do."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    id: Id
    on: Globs
    when: str | None = None
    do: tuple[StepModel, ...] = Field(min_length=1, max_length=50)
