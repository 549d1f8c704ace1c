"""What every configured provider has, whatever its vendor: the settings of `providers:` in the
configuration.

Each vendor extends `Provider` with its own keys. Durations are written `500ms`, `10s`, `5m`, `2h`,
`30d`. What must not go in: how a vendor works.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from core.configuration import Duration, Secret, SecretRef

DEFAULT_RETRIES = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
)


class Provider(BaseModel):
    """A configured use of a vendor."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: str
    url: str
    token: SecretRef
    timeout: Duration = Field(timedelta(seconds=10), description="whole call, connecting included")
    retry: tuple[Duration, ...] = Field(
        DEFAULT_RETRIES,
        description="pauses after each temporary failure; parked when they are used up",
    )
    reconcile_lag: Duration = Field(
        timedelta(seconds=30),
        description="how long after a call of unknown outcome its effect may still become visible",
    )
    concurrency: int = Field(50, ge=1, le=1000, description="calls at a time, per consumer process")
    mode: Literal["live", "dry-run"] = "live"
    only_to: tuple[str, ...] = Field(
        (), description="if set, calls to anybody else are skipped (staging)"
    )

    _credential: Secret | None = PrivateAttr(default=None)

    def credential(self) -> str:
        """The token itself, read once: a changed secret is taken up when the configuration is
        loaded again.

        Raises ConfigurationError if it is missing. Call it at start, so that no request ever meets
        that.
        """
        if self._credential is None:
            self._credential = self.token.read(field="token")
        return self._credential.reveal()
