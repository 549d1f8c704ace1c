"""Telling when the configuration file, or a file that it names, has changed.

The directory is watched, not the file: an editor replaces the file, and Kubernetes swaps a symlink
beside it. What is compared is what the file is now, so a change that no notice came for (made
before the watch stood, behind a symlink, on a network disk) is found a little later. What must not
go in: what is done about a change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from watchfiles import awatch

from core.logs import get_logger

log = get_logger()

DEBOUNCE_MS = 200
LOOK_EVERY_MS = 2000

Signature = tuple[tuple[str, int, int, int], ...]


async def watch_config(
    config: Path,
    changed: Callable[[], None],
    *,
    seen: Signature | None = None,
    also: Callable[[], Iterable[Path]] = tuple,
) -> None:
    """Call `changed` whenever the file, or a `*.yaml` in the directory, is not as `seen` any more.

    Until cancelled. `seen` is `signature_of` the file from before it was loaded; without it, a
    change made since then goes unnoticed. `also` gives the further files and directories that
    count now: they may stand anywhere, and a change of one is found within `LOOK_EVERY_MS`.
    """
    if seen is None:
        seen = await asyncio.to_thread(signature_of, config, also())
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
            now = await asyncio.to_thread(signature_of, config, also())
            if now != seen:
                seen = now
                changed()
    except (OSError, RuntimeError):
        # Out of watches, or the directory is gone: requests go on, and SIGHUP still works.
        log.exception("config_watch_failed")


def signature_of(config: Path, also: Iterable[Path] = ()) -> Signature:
    """What tells one state of the configuration from another; empty if it is not there."""
    try:
        files = sorted(config.glob("*.yaml")) if config.is_dir() else [config]
        found = [(str(file), file.stat()) for file in files]
    except OSError:
        return ()
    own = tuple((name, stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in found)
    return (*own, *signature_of_files(also))


def signature_of_files(paths: Iterable[Path]) -> Signature:
    """The same of further files, and of the `*.json` in directories. One that is away is a state
    like any other: the configuration itself is there."""
    return tuple(_stat(file) for path in paths for file in _files_of(path))


def _files_of(path: Path) -> Iterable[Path]:
    try:
        return sorted(path.glob("*.json")) if path.is_dir() else [path]
    except OSError:
        return [path]


def _stat(file: Path) -> tuple[str, int, int, int]:
    try:
        stat = file.stat()
    except OSError:
        return str(file), 0, 0, 0
    return str(file), stat.st_ino, stat.st_mtime_ns, stat.st_size


def _folder_of(config: Path) -> Path:
    return config if config.is_dir() else config.absolute().parent
