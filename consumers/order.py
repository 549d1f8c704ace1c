"""What an action sets, as the journal keeps it: the key of its profile and its targets.

Keys are prefixed with the provider's name: two providers of one vendor are two accounts.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from core.journal.port import Target
from core.messages import Action
from vendors.operation import Operation
from vendors.provider import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`key`: calls with the same key go one at a time (None: no order)."""

    key: str | None = None
    targets: tuple[Target, ...] = ()
    entities: tuple[tuple[str, str], ...] = ()
    """Each target's key in the journal, and the entity that the vendor named."""


UNORDERED = Order()


def order_of(action: Action, operation: Operation, provider: Provider) -> Order:
    effect = operation.effect(action.params, provider)
    if not effect.order_keys:
        return UNORDERED
    entities = tuple((_key(action.provider, t.entity), t.entity) for t in effect.targets)
    return Order(
        key=_key(action.provider, effect.order_keys[0]),
        targets=tuple(
            Target(entity=key, fields=target.fields)
            for (key, _), target in zip(entities, effect.targets, strict=True)
        ),
        entities=entities,
    )


def kept_by_entity(order: Order, keep: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """The journal's answer under the vendor's names of the entities."""
    return {entity: keep.get(key, frozenset()) for key, entity in order.entities}


def _key(provider: str, name: str) -> str:
    return hashlib.sha256(f"{provider}\x00{name}".encode()).hexdigest()[:40]
