"""The token of a provider that is got by a login: at the first call, and anew when it is refused.

One login at a time, whatever how many calls need it: some providers end the old token with each
new one. What must not go in: how a login is asked for (see the vendor).
"""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import timedelta

from consumers.caller import Caller
from consumers.http import Lease
from core.clock import Clock
from core.errors import MaybeSent, NotSent
from core.logs import get_logger
from vendors.login import Login
from vendors.provider import Provider
from vendors.wire import Outcome, OutcomeKind

log = get_logger()

REST = timedelta(seconds=30)
MOST = 5
"""Logins within `REST` whose tokens never worked. Tokens that are refused as soon as they were got
will not get better, and an account that logs in all the time may be locked. Where each login ends
the token of another process, tokens work in between, and both go on."""


class Tokens:
    """One provider's. For one with a configured token it does nothing."""

    def __init__(
        self, name: str, provider: Provider, login: Login | None, caller: Caller, clock: Clock
    ) -> None:
        self._name = name
        self._provider = provider
        self._login = login if login is not None and login.is_used(provider) else None
        self._caller = caller
        self._clock = clock
        self._lock = asyncio.Lock()
        self._used: str | None = None
        self._doubted = False
        self._got_at: deque[float] = deque(maxlen=MOST)

    @property
    def are_used(self) -> bool:
        return self._login is not None

    @property
    def current(self) -> str | None:
        """The token in use, to be named when it is refused."""
        return self._used

    def doubt(self) -> None:
        """Something went wrong that a refused token may explain: get a new one before the next
        call, unless one was got just now."""
        last = self._got_at[-1] if self._got_at else 0.0
        self._doubted = self._clock.monotonic() - last >= REST.total_seconds()

    def worked(self) -> None:
        """The token in use was taken."""
        self._got_at.clear()

    async def ready(self, lease: Lease) -> Outcome | None:
        """None: there is a token. Otherwise what the login came to.

        Raises CallDropped when the lease no longer covers it.
        """
        if self._login is None or (self._used is not None and not self._doubted):
            return None
        return await self.renew(self._used, lease)

    async def renew(self, refused: str | None, lease: Lease) -> Outcome | None:
        """A token other than the refused one. None: there is one, whoever got it."""
        if self._login is None:
            return _refused("our token is refused")
        async with self._lock:
            if self._used != refused and not self._doubted:
                return None
            if len(self._got_at) == MOST and self._since(self._got_at[0]) < REST:
                return _refused("our tokens are refused as soon as they were got")
            return await self._log_in(self._login, lease)

    def _since(self, moment: float) -> timedelta:
        return timedelta(seconds=self._clock.monotonic() - moment)

    async def _log_in(self, login: Login, lease: Lease) -> Outcome | None:
        try:
            answer = await self._caller.call(
                login.request(self._provider), within=self._provider.timeout, lease=lease
            )
        except (NotSent, MaybeSent) as error:
            return Outcome(kind=OutcomeKind.TEMPORARY, reason=f"login: {error}")
        outcome = login.read(answer, self._provider)
        self._got_at.append(self._clock.monotonic())
        if outcome.kind is not OutcomeKind.DONE or outcome.reference is None:
            # A login changes nothing there: whatever is unclear about it is worth another try.
            kind = outcome.kind
            if kind in {OutcomeKind.UNKNOWN, OutcomeKind.DONE, OutcomeKind.REFUSED}:
                kind = OutcomeKind.TEMPORARY
            log.warning("login_failed", provider=self._name, reason=outcome.reason)
            return Outcome(kind=kind, reason=f"login: {outcome.reason}")
        self._used, self._doubted = outcome.reference, False
        self._provider.adopt(outcome.reference)
        log.info("login_done", provider=self._name)
        return None


def _refused(reason: str) -> Outcome:
    return Outcome(kind=OutcomeKind.UNAUTHORIZED, reason=reason)
