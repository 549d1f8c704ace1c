"""From the configuration file to what consumers run with: providers with their tokens. Blocking.

Sources and rules are the gateway's business and not looked at here: an action carries all it needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from core.document import read_document
from core.watch import Signature, signature_of_files
from vendors.load import load_journal, load_providers, read_secrets
from vendors.provider import Provider
from vendors.registry import VENDORS


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    providers: Mapping[str, Provider]
    allow_hosts: frozenset[str]
    keep: timedelta
    watched: tuple[Path, ...] = ()
    """The files with the providers' tokens."""
    seen: Signature = ()
    """What they were like just before they were read."""


def load_configuration(path: Path) -> Configuration:
    """Raises ConfigurationError with file, line, field and what was expected, also for a token that
    is missing: without it nothing could be carried out."""
    document = read_document(path)
    providers = load_providers(document, VENDORS)
    files = {file for provider in providers.values() for file in provider.secret_files()}
    watched = tuple(Path(file) for file in sorted(files))
    seen = signature_of_files(watched)
    read_secrets(document, providers)
    return Configuration(
        providers=providers,
        allow_hosts=frozenset(document.data.get("allow_hosts", [])),
        keep=load_journal(document).keep,
        watched=watched,
        seen=seen,
    )
