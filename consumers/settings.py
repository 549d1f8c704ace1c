"""How a consumer process works: its roles, its pace and its margins, with the reason for each
default."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from core.errors import ConfigurationError


class Role(StrEnum):
    """What a consumer process does; one process may do all of it."""

    WORKER = "worker"
    RECORDER = "recorder"
    SCHEDULER = "scheduler"


ALL_ROLES = frozenset(Role)


def parse_roles(text: str) -> frozenset[Role]:
    """`worker,recorder,scheduler` (or `all`). Raises ConfigurationError naming what is not a
    role."""
    if text == "all":
        return ALL_ROLES
    roles = set()
    for name in text.split(","):
        if name.strip() not in set(Role):
            known = ", ".join(Role)
            raise ConfigurationError(f"expected some of {known}", field="--roles")
        roles.add(Role(name.strip()))
    return frozenset(roles)


def parse_providers(text: str | None, roles: frozenset[Role]) -> frozenset[str] | None:
    """`sms,altcraft`; None stays None: all. Raises ConfigurationError where no worker would heed
    it."""
    if text is None:
        return None
    names = frozenset(name.strip() for name in text.split(","))
    if "" in names:
        raise ConfigurationError("expected names with commas between", field="--providers")
    if Role.WORKER not in roles:
        raise ConfigurationError("only workers serve providers", field="--providers")
    return names


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerSettings:
    roles: frozenset[Role] = ALL_ROLES
    providers: frozenset[str] | None = None
    """Which ones a worker serves; None: all of the configuration."""
    owner: str = field(default_factory=lambda: secrets.token_hex(8))
    """This process incarnation: leases belong to it."""
    lease_margin: timedelta = timedelta(seconds=10)
    """What a lease is longer than the calls it covers: for the journal and a busy event loop."""
    breaker_threshold: int = 5
    """Different actions that must fail in a row before the provider counts as down."""
    breaker_pause: timedelta = timedelta(seconds=5)
    """First pause of an open breaker; doubles up to `breaker_longest`."""
    breaker_longest: timedelta = timedelta(seconds=60)
    refusal_pause: timedelta = timedelta(seconds=60)
    """How long a provider (401) or an operation (403) rests before it is tried again."""
    paused_look: timedelta = timedelta(seconds=15)
    """How long an action whose provider or rule is paused waits before it is looked at again."""
    record_batch: int = 200
    tick: timedelta = timedelta(milliseconds=250)
    """How often the scheduler looks for what is due."""
    due_batch: int = 500
    heal_after: timedelta = timedelta(minutes=5)
    """How long an action may be queued while its queue is empty before its message counts as
    lost."""
    heal_every: timedelta = timedelta(seconds=30)
    leader_lease: timedelta = timedelta(seconds=15)
    journal_pause: timedelta = timedelta(seconds=1)
    """Between looks at a journal that is away."""
    drain_margin: timedelta = timedelta(seconds=5)
    """At the end: how much longer than the provider's timeout running calls are waited for."""

    def serves(self, provider: str) -> bool:
        """Whether a worker of this process carries this provider's actions out."""
        return Role.WORKER in self.roles and (self.providers is None or provider in self.providers)
