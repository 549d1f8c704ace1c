"""The sources as they are written: the shape of `sources:` in the configuration.

What must not go in: verifying anything.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from core.configuration import SecretRef
from gateway.rules.model import Globs

MAX_BODY = 256 * 1024


class Scheme(StrEnum):
    """How a source proves that it is itself."""

    BEARER = "bearer"
    STANDARD_WEBHOOKS = "standard-webhooks"


class Durability(StrEnum):
    """What a success answer to this source means while the broker is away."""

    BROKER = "broker"
    """There is none: the sender is told to send again."""
    SPOOL = "spool"
    """The event is in the gateway's spool: for senders that would not send again."""


class VerifyModel(BaseModel):
    """`verify:` of a source. Several secrets are active at a time, so that they can be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    scheme: Scheme
    secrets: tuple[SecretRef, ...] = Field(min_length=1, max_length=10)


class SourceModel(BaseModel):
    """One source: how it proves itself, and which events it may send."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    verify: VerifyModel
    events: Globs
    durability: Durability = Durability.BROKER
    max_body: int = Field(MAX_BODY, ge=1024, le=10 * 1024 * 1024, description="bytes")
