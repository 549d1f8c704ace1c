"""Telling when the configuration file has changed.

The directory is watched, not the file: an editor replaces the file, and Kubernetes swaps a symlink
beside it. What is compared is what the file is now, so a change that no notice came for (made
before the watch stood, behind a symlink, on a network disk) is found a little later. What must not
go in: what is done about a change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from watchfiles import awatch

from core.logs import get_logger

log = get_logger()

DEBOUNCE_MS = 200
LOOK_EVERY_MS = 2000

Signature = tuple[tuple[str, int, int, int], ...]


async def watch_config(
    config: Path, changed: Callable[[], None], *, seen: Signature | None = None
) -> None:
    """Call `changed` whenever the file, or a `*.yaml` in the directory, is not as `seen` any more.

    Until cancelled. `seen` is `signature_of` the file from before it was loaded; without it, a
    change made since then goes unnoticed.
    """
    if seen is None:
        seen = await asyncio.to_thread(signature_of, config)
    folder = await asyncio.to_thread(_folder_of, config)
    try:
        async for _ in awatch(
            folder,
            watch_filter=None,
            debounce=DEBOUNCE_MS,
            step=50,
            rust_timeout=LOOK_EVERY_MS,
            yield_on_timeout=True,
            recursive=False,
        ):
            now = await asyncio.to_thread(signature_of, config)
            if now != seen:
                seen = now
                changed()
    except (OSError, RuntimeError):
        # Out of watches, or the directory is gone: requests go on, and SIGHUP still works.
        log.exception("config_watch_failed")


def signature_of(config: Path) -> Signature:
    """What tells one state of the configuration from another; empty if it is not there."""
    try:
        files = sorted(config.glob("*.yaml")) if config.is_dir() else [config]
        found = [(str(file), file.stat()) for file in files]
    except OSError:
        return ()
    return tuple((name, stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in found)


def _folder_of(config: Path) -> Path:
    return config if config.is_dir() else config.absolute().parent
