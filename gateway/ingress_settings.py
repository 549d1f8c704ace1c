"""`ingress:` in the configuration: what holds for every sender, whoever it is.

What must not go in: what one source may do (see `gateway.sources.model`), and the limits that a
process sets itself (`gateway.settings`).
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from core.configuration import Rate
from core.document import Document, validate

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(value: Any) -> Any:
    try:
        return ipaddress.ip_network(value)
    except (TypeError, ValueError):
        raise ValueError("expected a network such as 10.0.0.0/8, or an address") from None


class IngressSettings(BaseModel):
    """Who is believed about addresses, and how often one address may fail to prove itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    trusted_proxies: tuple[Annotated[Network, BeforeValidator(_network)], ...] = Field(
        (), max_length=100
    )
    failures: Rate = 0.5
    """A second, of one address: 30 a minute."""


def load_ingress(document: Document) -> IngressSettings:
    """Raises ConfigurationError."""
    if "ingress" not in document.data:
        return IngressSettings.model_validate({})
    return validate(IngressSettings, document, ("ingress",))
