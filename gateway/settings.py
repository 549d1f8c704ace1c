"""The limits of the gateway, with the reason for each default. Built once, handed to who needs
them.

What must not go in: addresses and URLs (`core.settings`), and anything a source may set for itself.
"""

from __future__ import annotations

import resource
from dataclasses import dataclass, field
from datetime import timedelta

_MOST_CONNECTIONS = 10_000
_KEPT_FILES = 160


def _connections() -> int:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(16, min(_MOST_CONNECTIONS, files - _KEPT_FILES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one gateway process grants to senders and to itself."""

    connections: int = field(default_factory=_connections)
    """Open at a time; the rest of the file descriptors are for the probes, the broker, the journal
    and the spool."""
    header_time: timedelta = timedelta(seconds=10)
    """From the first byte of a request to the end of its headers."""
    body_time: timedelta = timedelta(seconds=5)
    """The whole body must have arrived by then; a dripping client would hold a slot for ever."""
    bodies: int = 512
    """Requests with a body in progress at a time: with the sources' `max_body` this bounds
    memory."""
    publish_time: timedelta = timedelta(milliseconds=2500)
    """Shops give up on a webhook after 5 s: planning and confirms must be through well before."""
    retry_after: timedelta = timedelta(seconds=2)
    """What a sender is told to wait when we cannot take its events now."""
    keepalive: timedelta = timedelta(seconds=75)
    """Longer than the idle time of common proxies, so that they close first."""
    lingering: timedelta = timedelta(seconds=2)
    """How long the unread rest of a refused body is read off, so that the answer arrives."""
    drain: timedelta = timedelta(seconds=5)
    """For requests in progress when the port closes; longer than `publish_time`."""
    declare_time: timedelta = timedelta(seconds=2)
    """How long the start waits for the broker before it goes on without it."""
    operator_time: timedelta = timedelta(seconds=3)
    """How long an operator's request goes on changing actions; then it says how to go on. Shorter
    than `drain`, so that a stopping gateway answers it."""
    operator_actions: int = 5000
    """The same as a number of actions."""
