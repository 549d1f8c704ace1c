"""From the configuration file to what the gateway runs with. Blocking: it reads files and compiles
rules.

What must not go in: what any section means (see its loader).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core.broker.topology import Topology
from core.document import Document, read_document
from core.watch import signature_of_files
from gateway.callbacks import callback_files, load_callbacks
from gateway.events.own_schemas import load_schemas, schemas_folder
from gateway.ingress_settings import load_ingress
from gateway.rules.load import load_rules
from gateway.running import Configuration, TypeLabels
from gateway.sources.load import load_sources, secret_files
from gateway.spool_settings import load_spool
from vendors.load import check_top_level, load_journal, load_providers
from vendors.provider import Provider
from vendors.registry import VENDORS


def load_configuration(path: Path) -> Configuration:
    """Raises ConfigurationError with file, line, field and what was expected.

    The providers' tokens are not read: the gateway calls nobody. The secrets of their callbacks
    are.
    """
    document = read_document(path)
    check_top_level(document)
    keep = load_journal(document).keep
    providers = load_providers(document, VENDORS)
    watched = _files_beside(document, providers)
    # Before any of them is read: a change made meanwhile is found by the watch.
    seen = signature_of_files(watched)
    planner = load_rules(document, providers, VENDORS, keep)
    return Configuration(
        planner=planner,
        sources=load_sources(document, load_schemas(document)),
        callbacks=load_callbacks(document, providers, VENDORS),
        spool=load_spool(document),
        ingress=load_ingress(document),
        topology=Topology.of(providers),
        labels=TypeLabels(_named_types(document)),
        rule_ids=frozenset(rule.id for rule in planner.rules),
        watched=watched,
        seen=seen,
    )


def _files_beside(document: Document, providers: Mapping[str, Provider]) -> tuple[Path, ...]:
    """What the configuration is read from besides its own files: secrets, and schemas."""
    folder = schemas_folder(document)
    secrets = secret_files(document) | callback_files(providers.values())
    return (*sorted(secrets), *([folder] if folder is not None else []))


def _named_types(document: Document) -> Iterator[str]:
    """Every event type and glob that rules and sources name."""
    for rule in document.data.get("rules") or []:
        yield from _listed(rule.get("on"))
    for source in (document.data.get("sources") or {}).values():
        yield from _listed(source.get("events"))


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])
