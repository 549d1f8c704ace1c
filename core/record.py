"""Records of the hot path: frozen for the type checker, which refuses every assignment, and as
cheap to make as any object.

What `@dataclass(frozen=True)` adds at run time goes through `object.__setattr__` for each field,
which makes a record of nine fields take three times as long, and an event is eight records. Where
there is not one for each event, that one is right. What must not go in: behaviour.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """A dataclass of slots and keywords, compared and hashed by its fields."""
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(cls)
