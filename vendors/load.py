"""From `providers:` in the configuration to checked providers, and the settings all parts read.

Reading the secrets is a step of its own: `rules check` runs where there are none. What must not go
in: the sources and the rules, which only the gateway knows.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field

from core.configuration import Duration
from core.document import Document, unknown_key, validate
from core.errors import ConfigurationError
from vendors.operation import Vendor
from vendors.provider import Provider

TOP_LEVEL = (
    "sources",
    "providers",
    "rules",
    "schemas",
    "journal",
    "spool",
    "ingress",
    "allow_hosts",
)
NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
NAME_EXPECTED = "names are lower-case letters, digits and -, from a letter, at most 40 characters"
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?")


class JournalSettings(BaseModel):
    """`journal:`. How long a repeated event is recognised; also the longest an action may wait."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    keep: Duration = Field(timedelta(days=30), gt=timedelta(0), le=timedelta(days=3650))


def check_top_level(document: Document) -> None:
    """Raises ConfigurationError for a top-level key that nobody reads."""
    for key in document.data:
        if key not in TOP_LEVEL:
            raise document.error(unknown_key(key, list(TOP_LEVEL)), (key,))


def load_journal(document: Document) -> JournalSettings:
    check_top_level(document)
    if "journal" not in document.data:
        return JournalSettings.model_validate({})
    return validate(JournalSettings, document, ("journal",))


def load_providers(document: Document, registry: Mapping[str, Vendor]) -> dict[str, Provider]:
    """The providers by name, in the order of the file. Raises ConfigurationError."""
    check_top_level(document)
    allowed = _allowed_hosts(document)
    section = document.data.get("providers", {})
    if not isinstance(section, dict):
        raise document.error("expected a mapping from name to provider", ("providers",))
    providers: dict[str, Provider] = {}
    for name, settings in section.items():
        path = ("providers", name)
        if not NAME.fullmatch(name):
            raise document.error(NAME_EXPECTED, path)
        if not isinstance(settings, dict):
            raise document.error("expected a mapping (key: value)", path)
        kind = settings.get("kind")
        vendor = registry.get(kind) if isinstance(kind, str) else None
        if vendor is None:
            known = ", ".join(sorted(registry))
            raise document.error(f"expected one of: {known}", (*path, "kind"))
        provider = validate(vendor.provider, document, path)
        if problem := _refuse_url(provider.url, allowed):
            raise document.error(problem, (*path, "url"))
        providers[name] = provider
    return providers


def read_secrets(document: Document, providers: Mapping[str, Provider]) -> None:
    """Have each provider read its secrets, once. Raises ConfigurationError for one that is missing.

    A changed secret makes the provider a different one at the next reload.
    """
    for name, provider in providers.items():
        for key in provider.secret_names():
            try:
                provider.secret(key)
            except ConfigurationError as error:
                raise document.error(error.problem, ("providers", name, key)) from error


def _allowed_hosts(document: Document) -> frozenset[str]:
    hosts = document.data.get("allow_hosts", [])
    if not isinstance(hosts, list):
        raise document.error("expected a list of host names", ("allow_hosts",))
    for index, host in enumerate(hosts):
        if not isinstance(host, str) or not (_HOST.fullmatch(host) or _address(host)):
            problem = "expected a host name in lower case, without scheme, port or path"
            raise document.error(problem, ("allow_hosts", index))
    return frozenset(hosts)


def _refuse_url(url: str, allowed: frozenset[str]) -> str | None:
    """Why a provider's URL is not taken, or None. Names that resolve to private addresses are not
    seen here; whoever connects has to look at the address as well."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "expected a URL such as https://example.com"
    if problem := _refuse_shape(url, parts, host):
        return problem
    return _refuse_host(parts.scheme, (host or "").rstrip("."), allowed)


def _refuse_host(scheme: str, host: str, allowed: frozenset[str]) -> str | None:
    address = _address(host)
    if host in allowed or host == "localhost" or (address is not None and address.is_loopback):
        return None
    if scheme == "http":
        return "http is taken for loopback and hosts named in allow_hosts only; use https"
    if address is not None:
        refused = not address.is_global or address.is_multicast
        return "private addresses must be named in allow_hosts" if refused else None
    last = host.rpartition(".")[2]
    if not _HOST.fullmatch(host) or re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last):
        # 10.1 or 0x7f000001 are addresses to a resolver, and would get past the check above.
        return "expected a host name or a full IP address"
    return None


def _refuse_shape(url: str, parts: SplitResult, host: str | None) -> str | None:
    if parts.scheme not in {"https", "http"} or not host:
        return "expected a URL such as https://example.com"
    if parts.username is not None or parts.password is not None:
        return "a URL with a user or password in it is not taken"
    if parts.query or parts.fragment or "?" in url or "#" in url:
        return "a URL with ? or # in it is not taken"
    if any(ord(char) <= 0x20 or ord(char) >= 0x7F or char == "\\" for char in url):
        return "expected a URL in plain ASCII without spaces"
    return None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
