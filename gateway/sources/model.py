"""The sources as they are written: the shape of `sources:` in the configuration.

What must not go in: verifying anything, and reading secrets.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from core.clock import from_rfc3339
from core.configuration import Duration, Rate, SecretRef
from gateway.events.types import EVENT_TYPE, TYPE_EXPECTED
from gateway.rules.model import Globs
from gateway.sources.names import OnInvalid, Preset, Scheme

MAX_BODY = 256 * 1024

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_ORIGIN = re.compile(r"[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?")
_STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Durability(StrEnum):
    """What a success answer to this source means while the broker is away."""

    BROKER = "broker"
    """There is none: the sender is told to send again."""
    SPOOL = "spool"
    """The event is in the gateway's spool: for senders that would not send again."""


class SchemaCheck(StrEnum):
    """Whether the events of a source are held against the schemas of their types."""

    OPEN = "open"
    STRICT = "strict"


class Encoding(StrEnum):
    HEX = "hex"
    BASE64 = "base64"


class Algorithm(StrEnum):
    SHA256 = "sha256"
    SHA512 = "sha512"


def _moment(value: Any) -> Any:
    try:
        return from_rfc3339(value)
    except (TypeError, ValueError, OverflowError, AttributeError):
        raise ValueError("expected a time of RFC 3339, such as 2026-11-22T10:00:00Z") from None


def _header(text: str) -> str:
    if not _HEADER.fullmatch(text):
        raise ValueError("expected the name of a header")
    return text.lower()


def _origin(text: str) -> str:
    if text != "*" and not _ORIGIN.fullmatch(text):
        raise ValueError("expected a host such as events.example.com, or *")
    return text


def _type(text: str) -> str:
    if not EVENT_TYPE.fullmatch(text):
        raise ValueError(TYPE_EXPECTED)
    return text


Moment = Annotated[datetime, BeforeValidator(_moment)]
HeaderName = Annotated[str, AfterValidator(_header)]
Origin = Annotated[str, AfterValidator(_origin)]
EventType = Annotated[str, AfterValidator(_type)]


class KeyRef(SecretRef):
    """Where a secret is, and from when until when it counts."""

    not_before: Moment | None = None
    not_after: Moment | None = None

    @model_validator(mode="after")
    def _in_order(self) -> KeyRef:
        if self.not_before and self.not_after and self.not_before >= self.not_after:
            raise ValueError("not_before must be before not_after")
        return self

    @property
    def name(self) -> str:
        return f"env:{self.env}" if self.env is not None else f"file:{self.file}"


class VerifyModel(BaseModel):
    """`verify:` of a source. Several secrets are active at a time, so that they can be changed."""

    model_config = _STRICT

    scheme: Scheme | None = Field(None, description="required unless a preset brings it")
    secrets: tuple[KeyRef, ...] = Field(min_length=1, max_length=10)
    header: HeaderName | None = Field(None, description="hmac: where the signature stands")
    prefix: str = Field("", max_length=50, description="hmac: what stands before it")
    encoding: Encoding = Field(Encoding.HEX, description="hmac: of the signature")
    hash: Algorithm = Field(Algorithm.SHA256, description="hmac: the hash")
    timestamp: HeaderName | None = Field(
        None, description="hmac: the header with the time of signing, in seconds since 1970"
    )
    signed: str | None = Field(
        None, max_length=100, description="hmac: what is signed, such as {timestamp}.{body}"
    )
    tolerance: Duration = Field(
        timedelta(minutes=5), gt=timedelta(0), description="hmac: how far that time may be off"
    )
    client_id: str | None = Field(
        None, min_length=1, max_length=200, description="adobe-io: the project's client id"
    )

    @model_validator(mode="after")
    def _of_its_scheme(self) -> VerifyModel:
        written = self.model_fields_set - {"scheme", "secrets"}
        own = _OWN.get(self.scheme, frozenset()) if self.scheme else frozenset()
        for name in sorted(written - own):
            raise ValueError(f"{name}: the scheme {self.scheme or 'of the preset'} has no such key")
        if self.scheme is Scheme.ADOBE_IO and self.client_id is None:
            raise ValueError("client_id is required: it says which events are meant for us")
        if self.scheme is Scheme.HMAC:
            self._check_hmac()
        return self

    def _check_hmac(self) -> None:
        if self.header is None:
            raise ValueError("header is required: where the signature stands")
        if not self.what_is_signed.count("{body}") == 1:
            raise ValueError("signed must hold {body} once")
        if self.what_is_signed.count("{timestamp}") != (self.timestamp is not None):
            raise ValueError("signed holds {timestamp} once if timestamp names a header, else not")

    @property
    def what_is_signed(self) -> str:
        if self.signed is not None:
            return self.signed
        return "{body}" if self.timestamp is None else "{timestamp}.{body}"


_OWN: dict[Scheme, frozenset[str]] = {
    Scheme.HMAC: frozenset(
        {"header", "prefix", "encoding", "hash", "timestamp", "signed", "tolerance"}
    ),
    Scheme.ADOBE_IO: frozenset({"client_id"}),
}


class SourceModel(BaseModel):
    """One source: how it proves itself, which events it may send, and how much."""

    model_config = _STRICT

    verify: VerifyModel
    preset: Preset | None = Field(None, description="the system it is: how its deliveries are read")
    types: dict[Annotated[str, Field(max_length=200)], EventType] = Field(
        default_factory=dict, description="of a preset: its names of events, and ours for them"
    )
    map: dict[str, Any] | None = Field(
        None, description="how the deliveries of an unknown system are read: id, type, data, ..."
    )
    events: Globs = ("*",)
    held_to: SchemaCheck = Field(
        SchemaCheck.OPEN,
        alias="schema",
        description="strict: data that the type's schema does not take are refused",
    )
    on_invalid: OnInvalid | None = Field(
        None, description="what is authentic and no event: reject, or park (answered 200)"
    )
    durability: Durability = Durability.BROKER
    max_body: int = Field(MAX_BODY, ge=1024, le=10 * 1024 * 1024, description="bytes")
    rate: Rate | None = Field(None, description="requests, such as 50/s; beyond it 429")
    burst: int = Field(100, ge=1, le=100_000, description="requests at once within the rate")
    bodies: int = Field(256, ge=1, le=10_000, description="requests in progress at a time")
    gzip: bool = Field(False, description="take bodies that are compressed with gzip")
    origins: tuple[Origin, ...] = Field(
        (), max_length=20, description="CloudEvents senders that may ask by OPTIONS"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> SourceModel:
        if self.preset is None and self.verify.scheme is None:
            raise ValueError("verify.scheme is required, or a preset that brings it")
        if self.preset is not None and self.verify.scheme is not None:
            raise ValueError("the preset brings verify.scheme; leave it out")
        if self.preset is not None and self.map is not None:
            raise ValueError("a source has a preset or a map, not both")
        if self.types and self.preset is None:
            raise ValueError("types belongs to a preset")
        own_format = self.preset is None and self.map is None
        if own_format and "events" not in self.model_fields_set:
            raise ValueError("events is required: which events this source may send")
        return self
