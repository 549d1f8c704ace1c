"""The account at the SMS gateway, all but its texts: phones, tokens, contacts, what was ordered.

In memory, gone with a reset. What must not go in: HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sandbox.smsgateway24.contacts import Contacts
from sandbox.smsgateway24.devices import Devices
from sandbox.smsgateway24.outcomes import Outcomes
from sandbox.smsgateway24.tokens import Tokens
from sandbox.smsgateway24.webhooks import Webhooks


class SmsAccount:
    """One account. `known`: which tokens are taken that were not handed out here."""

    def __init__(self, *, known: Callable[[object], bool], pace: timedelta, now: datetime) -> None:
        self.tokens = Tokens(known)
        self.devices = Devices()
        self.contacts = Contacts()
        self.outcomes = Outcomes()
        self.webhooks = Webhooks(pace)
        self.devices.stand(now)

    def clear(self, now: datetime) -> None:
        """Forget everything but where webhooks are posted."""
        self.tokens.clear()
        self.contacts.clear()
        self.outcomes.clear()
        self.webhooks.clear()
        self.devices.stand(now)
