"""From the configuration file to what consumers run with: providers with their tokens. Blocking.

Sources and rules are the gateway's business and not looked at here: an action carries all it needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from core.document import read_document
from vendors.load import load_journal, load_providers, read_secrets
from vendors.provider import Provider
from vendors.registry import VENDORS


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    providers: Mapping[str, Provider]
    allow_hosts: frozenset[str]
    keep: timedelta


def load_configuration(path: Path) -> Configuration:
    """Raises ConfigurationError with file, line, field and what was expected, also for a token that
    is missing: without it nothing could be carried out."""
    document = read_document(path)
    providers = load_providers(document, VENDORS)
    read_secrets(document, providers)
    return Configuration(
        providers=providers,
        allow_hosts=frozenset(document.data.get("allow_hosts", [])),
        keep=load_journal(document).keep,
    )
