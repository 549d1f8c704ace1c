"""The settings of an SmsGateway24 provider. What must not go in: anything an event could change."""

from __future__ import annotations

from typing import Annotated, Literal

from phonenumbers import SUPPORTED_REGIONS
from pydantic import AfterValidator, Field, StringConstraints

from core.configuration import SecretRef
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

    kind: Literal["smsgateway24"] = "smsgateway24"
    token: SecretRef
    url: str = "https://smsgateway24.com"
    device_id: DeviceId = Field(description="the phone that sends, or an approved sender")
    sim: Sim | None = Field(None, description="slot of the phone: 0 or 1; 2 to 5 are messengers")
    region: Country = Field(description="country of numbers that are written without one")
    countries: tuple[Country, ...] = Field(
        (), description="where texts may go; by default the region only"
    )
    temporary_texts: tuple[
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)], ...
    ] = Field((), description="parts of error messages that mean: try again later")

    @property
    def allowed(self) -> tuple[str, ...]:
        return self.countries or (self.region,)


def smsgateway24(provider: Provider) -> SmsGateway24Provider:
    """The provider as what it must be; another one here is a mistake in our wiring."""
    if not isinstance(provider, SmsGateway24Provider):
        raise TypeError(f"an smsgateway24 provider is needed, this one is {provider.kind}")
    return provider
