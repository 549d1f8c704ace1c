"""What an action sets at the provider, under opaque names, so that order can be kept.

What must not go in: deciding what follows from two actions setting the same thing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One thing an action sets the state of. `entity` is an opaque stable key without personal data
    (a hash), `fields` are the names it sets there ("*": all of them).

    `under`: entities of sweeps that reach over this one (all subscriptions of a database, say);
    what was set there counts as set here. `happens`: it is no state but something that happens (a
    message is started): nothing newer makes it superfluous.
    """

    entity: str
    fields: frozenset[str]
    under: tuple[str, ...] = ()
    happens: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What an action sets.

    `order_keys` name whose calls go one at a time: the profile, and each contact of it that the
    call names, so that calls that find the same person in different ways still wait for each other
    (empty: no order). `within` names the database these belong to. `sweeps`: the call reaches
    over all of that database at once and can leave nothing out.
    """

    order_keys: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    within: str | None = None
    sweeps: bool = False
