"""What both Python peers validate by."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Event(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str = Field(min_length=1, max_length=256)
    type: str = Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$", max_length=200)
    time: AwareDatetime | None = None
    subject: str | None = Field(None, max_length=1024)
    data: dict[str, Any] = Field(default_factory=dict)
