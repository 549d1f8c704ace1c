"""Whether this process should be sent requests.

A broker that goes away later does not make it unready: our 503 with `Retry-After` tells senders
more than a load balancer without any backend would.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Readiness:
    """Set by the composition root as the process starts and stops."""

    started: bool = False
    declared: bool = False
    """The broker has been reached once, and the queues stood."""
    broker_problem: str = "the broker has not been reached yet"
    draining: bool = False
    spools: bool = False
    """It takes events of some sources without a broker, on its own disk: out of a Service they
    would find nobody."""

    def why_not(self) -> str | None:
        """None when ready."""
        if self.draining:
            return "stopping"
        if not self.started:
            return "starting"
        if not self.declared and not self.spools:
            return self.broker_problem
        return None
