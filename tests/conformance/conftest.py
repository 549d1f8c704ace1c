"""At the end of a run: which adapters each port's conformance suite was run on, and how it went."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath

import pytest
from _pytest.terminal import TerminalReporter

from vendors.registry import VENDORS

ADAPTERS = {
    "broker": ("rabbitmq", "aiopika", "embedded"),
    "journal": ("sqlite", "postgresql"),
    "provider": ("altcraft", "smsgateway24"),
}


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    counts: Counter[tuple[str, str, str]] = Counter()
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            if isinstance(report, pytest.TestReport) and (named := _named(report.nodeid)):
                counts[(*named, outcome)] += 1
    if not counts:
        return
    terminalreporter.section("conformance: port, adapter, tests")
    for port, adapters in ADAPTERS.items():
        for adapter in adapters:
            told = [f"{n} {o}" for (p, a, o), n in counts.items() if (p, a) == (port, adapter)]
            if port == "provider" and told:
                told.append(f"{len(VENDORS[adapter].operations)} operations")
            terminalreporter.write_line(f"{port:8} {adapter:12} {', '.join(told) or 'not run'}")


def _named(nodeid: str) -> tuple[str, str] | None:
    """Port and adapter of a test of a port's suite; None for any other test."""
    path, _, rest = nodeid.partition("::")
    parts = PurePosixPath(path).parts
    if "conformance" not in parts or "[" not in rest:
        return None
    port = parts[parts.index("conformance") + 1]
    given = rest.rpartition("[")[2].rstrip("]").split("-")
    return next(((port, adapter) for adapter in ADAPTERS.get(port, ()) if adapter in given), None)
