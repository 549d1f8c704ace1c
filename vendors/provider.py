"""What every configured provider has, whatever its vendor: the settings of `providers:` in the
configuration.

Each vendor extends `Provider` with its own keys. Durations are written `500ms`, `10s`, `5m`, `2h`,
`30d`. What must not go in: how a vendor works.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from core.configuration import Duration, Rate, Secret, SecretRef
from core.errors import ConfigurationError

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

DEFAULT_POLL = (
    timedelta(seconds=10),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
    timedelta(hours=48),
)


class Adopted:
    """A token that was got by a login. Two providers do not differ by it: a reload of the same
    settings must not look like a change."""

    __slots__ = ("token",)

    def __init__(self) -> None:
        self.token: str | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Adopted)

    def __hash__(self) -> int:
        return 0


class Provider(BaseModel):
    """A configured use of a vendor."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: str = Field(description="the vendor")
    url: str = Field(
        description="where the API is; http and private addresses are taken for loopback and for "
        "hosts in `allow_hosts` only"
    )
    token: SecretRef | None = Field(None, description="the credential")
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
    rate: Rate | None = Field(
        None, description="calls a second at the most, by all consumers together: 10/s, 100/m"
    )
    mode: Literal["live", "dry-run"] = Field(
        "live", description="`dry-run`: everything happens except the call; it ends as `skipped`"
    )
    only_to: tuple[str, ...] = Field(
        (), description="if set, calls to anybody else are skipped (staging)"
    )

    _secrets: dict[str, Secret] = PrivateAttr(default_factory=dict)
    _adopted: Adopted = PrivateAttr(default_factory=Adopted)

    def secret(self, name: str) -> str:
        """The secret that the setting `name` points to, read once: a changed one is taken up when
        the configuration is loaded again.

        Raises ConfigurationError if it is missing. Have all of them read at start (`read_secrets`),
        so that no request ever meets that.
        """
        if name not in self._secrets:
            ref = getattr(self, name)
            if ref is None:
                raise ConfigurationError("this key is required", field=name)
            self._secrets[name] = ref.read(field=name)
        return self._secrets[name].reveal()

    def secret_files(self) -> frozenset[str]:
        """The paths of the files that hold secrets of one value."""
        refs = (getattr(self, name) for name in self.secret_names())
        return frozenset(ref.file for ref in refs if ref.file is not None)

    def secret_names(self) -> tuple[str, ...]:
        """The settings that point to a secret of one value."""
        named = type(self).model_fields
        return tuple(name for name in named if isinstance(getattr(self, name), SecretRef))

    def credential(self) -> str:
        """The token: one that was got by a login, else the configured one."""
        return self._adopted.token or self.secret("token")

    def segments_warned(self) -> int | None:
        """How many segments a text may take before it is worth a warning; None: any number."""
        return None

    def way_rate(self) -> float | None:
        """How many calls a second may go through each of the provider's ways (phones)."""
        return None

    def recognises_repeats(self) -> bool:
        """Whether a repeated Request-ID means anything on the way that calls take."""
        return True

    def own_broker(self) -> str | None:
        """Address of the vendor's own broker, where calls go through it and not over HTTP."""
        return None

    def has_token(self) -> bool:
        return self._adopted.token is not None or self.token is not None

    def secrets(self) -> tuple[str, ...]:
        """Every secret that was read or got, so that none is ever shown."""
        known = [secret.reveal() for secret in self._secrets.values()]
        if self._adopted.token is not None:
            known.append(self._adopted.token)
        return tuple(known)

    def pretend(self, stand_ins: Mapping[str, str] = MappingProxyType({})) -> None:
        """Have a stand-in for every secret that is not there yet, by the name of its setting: to
        show a request, not to send it."""
        for name in type(self).model_fields:
            if isinstance(getattr(self, name), SecretRef) and name not in self._secrets:
                self._secrets[name] = Secret(stand_ins.get(name, f"the {name} of this provider"))
        if not self.has_token():
            self.adopt(stand_ins.get("token", "a token that a login gives"))

    def adopt(self, token: str | None) -> None:
        """Use this token from now on; None: the configured one."""
        self._adopted.token = token


class CallbackSettings(BaseModel):
    """`callback:` of a provider that posts to us.

    Its address ends in a secret, since it signs nothing; several may be active at a time. What
    people send through it becomes events of `source`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    secrets: tuple[SecretRef, ...] = Field(min_length=1, max_length=10)
    source: str | None = Field(
        None, description="whose events incoming texts are; by default the provider's name"
    )


class ReportingProvider(Provider):
    """A provider that tells what became of what it took: by callback, or when it is asked."""

    callback: CallbackSettings | None = Field(
        None, description="what it posts to us is taken; without this it is asked"
    )
    poll: tuple[Duration, ...] = Field(
        DEFAULT_POLL,
        description="without `callback`: pauses between questions for a receipt; [] never asks",
    )

    def questions(self) -> tuple[timedelta, ...]:
        """When to ask for a receipt: the pauses before each question. Empty: never, it is told."""
        return self.poll if self.callback is None else ()
