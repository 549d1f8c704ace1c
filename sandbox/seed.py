"""A seed file: what the simulators know at the start, and again after each reset.

YAML or JSON with a part for each vendor. What must not go in: what any part means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.document import Document, read_document, unknown_key
from core.errors import ConfigurationError
from sandbox.altcraft.seed import seed as seed_altcraft
from sandbox.smsgateway24.seed import seed as seed_smsgateway24
from sandbox.world import World

SEEDERS: Mapping[str, Callable[[World, object], None]] = {
    "altcraft": seed_altcraft,
    "smsgateway24": seed_smsgateway24,
}

_PART = re.compile(r"\[([0-9]+)\]|\.?([^.\[\]]+)")


def planter(file: Path) -> Callable[[World], None]:
    """Puts the seed of a file into a world. Raises ConfigurationError with file, line and field."""
    document = read_document(file)
    for name in document.data:
        if name not in SEEDERS:
            raise document.error(unknown_key(name, list(SEEDERS)), (name,))

    def plant(world: World) -> None:
        for name, seed in SEEDERS.items():
            if name in document.data:
                try:
                    seed(world, document.data[name])
                except ValueError as error:
                    raise _where(document, name, str(error)) from None

    return plant


def _where(document: Document, name: str, told: str) -> ConfigurationError:
    field, _, problem = told.partition(": ")
    inner: list[Any] = [
        int(index) if index else key for index, key in _PART.findall(field) if field != name
    ]
    return document.error(problem or told, (name, *inner))
