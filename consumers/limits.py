"""How many calls each lane of a provider may have under way: separate budgets, a share kept for
`urgent`."""

from __future__ import annotations

from collections.abc import Mapping

from core.messages import Lane

SHARES: Mapping[Lane, float] = {Lane.URGENT: 0.4, Lane.NORMAL: 0.4, Lane.BULK: 0.2}


def slots(concurrency: int, lane: Lane) -> int:
    """The lane's own slots of a provider's `concurrency`; at least one, so that no lane starves."""
    return max(1, round(concurrency * SHARES[lane]))
