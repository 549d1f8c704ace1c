"""Volumes of a pod as directories, written as the kubelet writes them.

The keys of a ConfigMap or Secret are symlinks through `..data`, which is a symlink itself: swapping
it changes all of them at once. What must not go in: who mounts a volume, and where.
"""

from __future__ import annotations

import base64
import itertools
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Object = dict[str, Any]

_turns = itertools.count()


def contents_of(it: Object) -> dict[str, bytes]:
    """What a ConfigMap or Secret holds."""
    held = {key: text.encode() for key, text in it.get("stringData", {}).items()}
    for key, text in it.get("data", {}).items():
        held[key] = base64.b64decode(text) if it["kind"] == "Secret" else text.encode()
    return held


def write_keys(
    folder: Path, contents: Mapping[str, bytes], *, mode: int = 0o644, group: int | None = None
) -> None:
    """Make them the volume's keys, at once for whoever reads: written beside, then swapped."""
    folder.mkdir(parents=True, exist_ok=True)
    old = folder / (folder / "..data").readlink() if (folder / "..data").is_symlink() else None
    new = folder / f"..2026_11_28_{next(_turns):06}"
    new.mkdir()
    for key, body in contents.items():
        file = new / key
        file.write_bytes(body)
        file.chmod(mode)
    swap = folder / "..data_tmp"
    swap.symlink_to(new.name)
    swap.rename(folder / "..data")
    for key in contents:
        if not (folder / key).is_symlink():
            (folder / key).symlink_to(f"..data/{key}")
    for link in folder.iterdir():
        if not link.name.startswith("..") and link.name not in contents:
            link.unlink()
    if group is not None:
        own(folder, group)
    if old is not None:
        shutil.rmtree(old)


def make_empty(folder: Path, *, group: int | None) -> None:
    """An emptyDir, or a new disk: the pod's group may write, and so may nobody else."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o2770)
    if group is not None:
        own(folder, group)


def own(folder: Path, group: int) -> None:
    """The kubelet gives what is in a volume to `fsGroup`; it stays root's."""
    for file in (folder, *folder.rglob("*")):
        os.chown(file, 0, group, follow_symlinks=False)
