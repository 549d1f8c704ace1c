"""The settings of an SmsGateway24 provider. What must not go in: anything an event could change."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from phonenumbers import SUPPORTED_REGIONS
from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from core.configuration import Duration, Rate, SecretRef
from vendors.provider import Provider, ReportingProvider


def _country(value: str) -> str:
    if value not in SUPPORTED_REGIONS:
        raise ValueError("expected a country code of two capital letters, such as DE")
    return value


Country = Annotated[str, AfterValidator(_country)]
DeviceId = (
    Annotated[int, Field(strict=True, ge=0)] | Annotated[str, Field(strict=True, min_length=1)]
)
Sim = Annotated[int, Field(strict=True, ge=0, le=5)]
Part = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class SmsGateway24Provider(ReportingProvider):
    """`providers: {sms: {kind: smsgateway24, ...}}`."""

    kind: Literal["smsgateway24"] = Field("smsgateway24", description="the vendor")
    token: SecretRef | None = Field(None, description="either this, or `email` and `password`")
    url: str = Field("https://smsgateway24.com", description="where the API is")
    email: SecretRef | None = Field(None, description="of a login; a token is got with it")
    password: SecretRef | None = Field(None, description="of the same login", validate_default=True)
    device_id: DeviceId | tuple[DeviceId, ...] = Field(
        description="the phone that sends, or an approved sender; a list needs `pick`"
    )
    pick: Literal["online"] | None = Field(
        None,
        description="of a list: each text goes through one of those that are online, in turn",
        validate_default=True,
    )
    silent_after: Duration = Field(
        timedelta(minutes=5),
        gt=timedelta(0),
        description="a phone of the list that was not heard of for so long is left out",
    )
    device_rate: Rate | None = Field(
        None, description="texts a second through each phone, by all consumers together: 20/m"
    )
    sim: Sim | None = Field(None, description="slot of the phone: 0 or 1; 2 to 5 are messengers")
    region: Country = Field(description="country of numbers that are written without one")
    countries: tuple[Country, ...] = Field(
        (), description="where texts may go; by default the region only"
    )
    gather: int = Field(
        100, ge=1, le=1000, description="texts of the bulk lane that share a call; 1: none do"
    )
    max_segments: Annotated[int, Field(ge=1)] | None = Field(
        3, description="a text that takes more is warned of"
    )
    transliterate: bool = Field(
        False, description="whether typographic quotes, dashes and spaces become plain ones"
    )
    temporary_texts: tuple[Part, ...] = Field(
        (), description="parts of error messages that mean: try again later"
    )
    token_texts: tuple[Part, ...] = Field(
        ("token",), description="parts of error messages that mean: the token is not accepted"
    )

    @field_validator("password")
    @classmethod
    def _one_way_in(cls, value: SecretRef | None, info: ValidationInfo) -> SecretRef | None:
        token, email = info.data.get("token"), info.data.get("email")
        if token is not None and (email is not None or value is not None):
            raise ValueError("stands beside `token`: give either that, or `email` and `password`")
        if (email is None) != (value is None):
            raise ValueError("a login takes both, `email` and `password`")
        return value

    @field_validator("device_id")
    @classmethod
    def _different(cls, value: DeviceId | tuple[DeviceId, ...]) -> DeviceId | tuple[DeviceId, ...]:
        if isinstance(value, tuple):
            if not value:
                raise ValueError("expected at least one device")
            if len({str(device) for device in value}) < len(value):
                raise ValueError("a device stands in the list twice")
        return value

    @field_validator("pick")
    @classmethod
    def _of_a_list(cls, value: str | None, info: ValidationInfo) -> str | None:
        listed = isinstance(info.data.get("device_id"), tuple)
        if listed and value is None:
            raise ValueError("a list of devices needs `pick: online`")
        if value is not None and "device_id" in info.data and not listed:
            raise ValueError("there is nothing to pick: `device_id` is no list")
        return value

    @model_validator(mode="after")
    def _some_way_in(self) -> SmsGateway24Provider:
        if self.token is None and self.email is None:
            raise ValueError("`token` is required, or `email` and `password`")
        return self

    def way_rate(self) -> float | None:
        return self.device_rate

    def segments_warned(self) -> int | None:
        return self.max_segments

    @property
    def allowed(self) -> tuple[str, ...]:
        return self.countries or (self.region,)

    @property
    def devices(self) -> tuple[DeviceId, ...]:
        """All that may send, in their order."""
        return self.device_id if isinstance(self.device_id, tuple) else (self.device_id,)

    @property
    def picks(self) -> bool:
        """Whether the device of a text is chosen when it is sent."""
        return isinstance(self.device_id, tuple)


def smsgateway24(provider: Provider) -> SmsGateway24Provider:
    """The provider as what it must be; another one here is a mistake in our wiring."""
    if not isinstance(provider, SmsGateway24Provider):
        raise TypeError(f"an smsgateway24 provider is needed, this one is {provider.kind}")
    return provider
