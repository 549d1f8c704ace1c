"""Telling when the configuration file has changed.

The directory is watched, not the file: an editor replaces the file, and Kubernetes swaps a symlink
(`..data`) beside it. What must not go in: what is done about a change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from watchfiles import Change, awatch

from core.logs import get_logger

log = get_logger()

DEBOUNCE_MS = 200


async def watch_config(config: Path, changed: Callable[[], None]) -> None:
    """Call `changed` after each change of the file, or of a `*.yaml` in the directory, until
    cancelled."""
    folder, concerns = await asyncio.to_thread(_what_to_watch, config)
    try:
        async for _ in awatch(
            folder, watch_filter=concerns, debounce=DEBOUNCE_MS, step=50, recursive=False
        ):
            changed()
    except (OSError, RuntimeError):
        # Out of watches, or the directory is gone: requests go on, and SIGHUP still works.
        log.exception("config_watch_failed")


def _what_to_watch(config: Path) -> tuple[Path, Callable[[Change, str], bool]]:
    if config.is_dir():
        return config, lambda _, path: path.endswith(".yaml") or Path(path).name == "..data"
    names = frozenset({config.name, "..data"})
    return config.absolute().parent, lambda _, path: Path(path).name in names
