"""How many calls each lane of a provider may have under way: separate budgets, a share kept for
`urgent`."""

from __future__ import annotations

from collections.abc import Mapping

from core.messages import Lane

SHARES: Mapping[Lane, float] = {Lane.URGENT: 0.4, Lane.NORMAL: 0.4, Lane.BULK: 0.2}


def slots(concurrency: int, lane: Lane, *, company: int = 1) -> int:
    """The lane's own slots of a provider's `concurrency`; at least one, so that no lane starves.

    Where up to `company` bulk actions share a call, as many more may be in hand: two calls' worth,
    so that one gathers while the other is under way.
    """
    own = max(1, round(concurrency * SHARES[lane]))
    if lane is Lane.BULK and company > 1:
        return max(own, 2 * company)
    return own
