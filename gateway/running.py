"""The configuration in force: one frozen record, replaced as a whole when a changed file is taken
over.

A request asks once and keeps what it got, so that it never meets half of two configurations. What
must not go in: reading files (see `app`) and watching them (see `reload`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.broker.topology import Topology
from core.watch import Signature
from gateway.callbacks import Callbacks
from gateway.events.types import TypeGlobs
from gateway.ingress_settings import IngressSettings
from gateway.rules.port import Planner
from gateway.sources.load import Sources
from gateway.spool_settings import SpoolSettings

OTHER = "other"


class TypeLabels:
    """Event types as metrics name them: as the configuration does, never as a sender made them
    up."""

    def __init__(self, globs: Iterable[str]) -> None:
        globs = tuple(dict.fromkeys(globs))
        self._exact = frozenset(glob for glob in globs if "*" not in glob)
        self._globs = tuple((glob, TypeGlobs([glob])) for glob in globs if "*" in glob)

    def label(self, event_type: str) -> str:
        if event_type in self._exact:
            return event_type
        for glob, compiled in self._globs:
            if compiled.match(event_type):
                return glob
        return OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Everything that a changed file may change."""

    planner: Planner
    sources: Sources
    callbacks: Callbacks
    spool: SpoolSettings
    ingress: IngressSettings
    topology: Topology
    labels: TypeLabels
    rule_ids: frozenset[str] = frozenset()
    watched: tuple[Path, ...] = ()
    """The files and directories besides its own that it was read from."""
    seen: Signature = ()
    """What they were like just before."""


class Running:
    """Holds the configuration in force."""

    def __init__(self, configuration: Configuration) -> None:
        self.current = configuration

    def watched(self) -> tuple[Path, ...]:
        return self.current.watched

    def label(self, event_type: str) -> str:
        """The type as metrics name it, by the configuration that is in force now."""
        return self.current.labels.label(event_type)

    def planner(self) -> Planner:
        return self.current.planner
