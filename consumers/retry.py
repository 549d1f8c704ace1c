"""When to try again: a visible list of pauses, a little jitter, and the provider's own wish.

Decisions as data: who retries is not decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

JITTER = 0.2
"""A pause varies by this share either way: what failed together must not come back together."""


def next_pause(
    pauses: Sequence[timedelta],
    attempts: int,
    *,
    retry_after: timedelta | None = None,
    chance: float = 0.5,
) -> timedelta | None:
    """The pause after `attempts` charged attempts, None when the list is used up.

    `chance` is a random number from 0 to 1. A provider's Retry-After is never undercut.
    """
    if attempts >= len(pauses):
        return None
    pause = pauses[attempts] * (1 + JITTER * (2 * chance - 1))
    if retry_after is not None and retry_after > pause:
        return retry_after * (1 + JITTER / 2 * chance)
    return pause
