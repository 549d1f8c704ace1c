"""What an action sets, as the journal keeps it: the keys of its profile and contacts, its targets.

Keys are prefixed with the provider's name: two providers of one vendor are two accounts.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from core.journal.port import DATABASE_MARK, Target
from core.messages import Action
from vendors.operation import Operation
from vendors.provider import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`keys`: calls that share one go one at a time (empty: no order). `within`: the database they
    belong to; `sweeps`: the call reaches over all of it."""

    keys: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    within: str | None = None
    sweeps: bool = False
    entities: tuple[tuple[str, str], ...] = ()
    """Each target's key in the journal, and the entity that the vendor named."""


UNORDERED = Order()


def order_of(action: Action, operation: Operation, provider: Provider) -> Order:
    effect = operation.effect(action.params, provider)
    name = action.provider
    within = DATABASE_MARK + _key(name, effect.within) if effect.within is not None else None
    if effect.sweeps and within is not None:
        keys: tuple[str, ...] = (within,)
    else:
        keys = tuple(sorted({_key(name, key) for key in effect.order_keys}))
    if not keys:
        return UNORDERED
    return Order(
        keys=keys,
        targets=tuple(
            Target(
                entity=_key(name, target.entity),
                fields=target.fields,
                under=tuple(_key(name, entity) for entity in target.under),
                happens=target.happens,
            )
            for target in effect.targets
        ),
        within=within,
        sweeps=effect.sweeps,
        entities=tuple((_key(name, target.entity), target.entity) for target in effect.targets),
    )


def kept_by_entity(order: Order, keep: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """The journal's answer under the vendor's names of the entities."""
    return {entity: keep.get(key, frozenset()) for key, entity in order.entities}


def _key(provider: str, name: str) -> str:
    return hashlib.sha256(f"{provider}\x00{name}".encode()).hexdigest()[:40]
