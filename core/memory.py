"""The garbage collector, set for a process that has started and now serves.

What was loaded at the start (modules, rules, tables) stays for ever; looking through it again and
again cost a fifth of the time of a request, and pauses of tens of milliseconds.
"""

from __future__ import annotations

import gc

_THRESHOLDS = (50_000, 20, 100)


def settle_memory() -> None:
    """Call once, when everything that stays has been made."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
