"""The settings of an Altcraft provider. What must not go in: anything an event could change."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from core.configuration import SecretRef
from vendors.provider import Provider

Id = Annotated[int, Field(strict=True, ge=1, le=2**53)]


class AltcraftProvider(Provider):
    """`providers: {altcraft: {kind: altcraft, ...}}`."""

    kind: Literal["altcraft"] = Field("altcraft", description="the vendor")
    token: SecretRef = Field(description="the credential")
    account_id: Id | None = Field(
        None, description="account: of an administrator's token, and of messages to the queues"
    )
    administrator: bool = Field(
        False,
        validate_default=True,
        description="the token is an administrator's: calls of virtual senders name `account_id`",
    )
    db_id: Id | None = Field(None, description="database of calls that do not name one")
    resource_id: Id | None = Field(None, description="resource of calls that do not name one")
    transport: Literal["http", "amqp"] = Field(
        "http", description="how calls travel: by HTTP, or through the platform's own RabbitMQ"
    )
    auth: Literal["body", "bearer"] = Field(
        "body", description="where the token travels: in the body, or in the Authorization header"
    )
    format: Literal["json", "xml"] = Field("json", description="how bodies and answers are written")
    amqp: SecretRef | None = Field(
        None,
        validate_default=True,  # so that its absence is noticed too
        description="the RabbitMQ's URL, password included; with transport amqp only",
    )
    imports: Literal["api", "queue"] = Field(
        "api",
        description="whether profiles/import and profiles/update go through the API or, with "
        "transport amqp, through the queue database_import",
    )

    @field_validator("administrator")
    @classmethod
    def _has_an_account(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("account_id") is None:
            raise ValueError("an administrator's token needs account_id")
        return value

    @field_validator("auth")
    @classmethod
    def _has_headers(cls, value: str, info: ValidationInfo) -> str:
        if value == "bearer" and info.data.get("transport") == "amqp":
            raise ValueError("messages have no headers for it; with transport amqp it is body")
        return value

    @field_validator("format")
    @classmethod
    def _is_readable(cls, value: str, info: ValidationInfo) -> str:
        if value == "xml" and info.data.get("transport") == "amqp":
            raise ValueError("messages are JSON; with transport amqp it is json")
        return value

    @field_validator("amqp")
    @classmethod
    def _is_used(cls, value: SecretRef | None, info: ValidationInfo) -> SecretRef | None:
        travels = info.data.get("transport") == "amqp"
        if travels and value is None:
            raise ValueError("is required with transport amqp")
        if value is not None and not travels:
            raise ValueError("is read with transport amqp only")
        return value

    @field_validator("imports")
    @classmethod
    def _has_its_queue(cls, value: str, info: ValidationInfo) -> str:
        if value == "queue" and info.data.get("transport") != "amqp":
            raise ValueError("the queue needs transport amqp")
        if value == "queue" and info.data.get("account_id") is None:
            raise ValueError("the queue needs account_id")
        return value

    def recognises_repeats(self) -> bool:
        return self.transport == "http"  # messages have no headers, and nothing is said of ids

    def own_broker(self) -> str | None:
        return self.secret("amqp") if self.transport == "amqp" else None


def altcraft(provider: Provider) -> AltcraftProvider:
    """The provider as what it must be; another one here is a mistake in our wiring."""
    if not isinstance(provider, AltcraftProvider):
        raise TypeError(f"an altcraft provider is needed, this one is {provider.kind}")
    return provider
