"""The settings of an Altcraft provider. What must not go in: anything an event could change."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from core.configuration import SecretRef
from vendors.provider import Provider

Id = Annotated[int, Field(strict=True, ge=1, le=2**53)]


class AltcraftProvider(Provider):
    """`providers: {altcraft: {kind: altcraft, ...}}`."""

    kind: Literal["altcraft"] = "altcraft"
    token: SecretRef
    db_id: Id | None = Field(None, description="database of calls that do not name one")
    resource_id: Id | None = Field(None, description="resource of calls that do not name one")
    auth: Literal["body", "bearer"] = Field(
        "body", description="where the token travels: in the body, or in the Authorization header"
    )


def altcraft(provider: Provider) -> AltcraftProvider:
    """The provider as what it must be; another one here is a mistake in our wiring."""
    if not isinstance(provider, AltcraftProvider):
        raise TypeError(f"an altcraft provider is needed, this one is {provider.kind}")
    return provider
