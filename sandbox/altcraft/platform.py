"""Everything the simulated platform knows, in memory. What must not go in: HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.clock import to_text
from sandbox.altcraft.errors import Incorrect
from sandbox.altcraft.profiles import Database, Profile
from sandbox.altcraft.subscriptions import Key, hash_id

FIRST_SENDERS = ((14, "virtual sender #14"), (15, "virtual sender #15"))
"""Those of the vendor's examples, so that the first copy gets the id of its printed answer."""


@dataclass(slots=True, kw_only=True)
class Sender:
    """A virtual sender."""

    id: int
    name: str
    account_id: int | None = None
    email_rules: list[Any] = field(default_factory=list)
    sms_rules: list[Any] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class SuppressionList:
    """Addresses, domains and numbers that nothing is sent to."""

    id: int
    name: str
    emails: set[str] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)
    phones: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """A message that a trigger or scenario sent; `smid` stands in its headers."""

    smid: str
    at: datetime
    what: str
    what_id: int | str
    db_id: int
    profile_id: str
    subscription: Key | None
    content: Any = None
    custom_data: Any = None


class Platform:
    """Databases, resources and suppression lists come into being when they are first named."""

    def __init__(self) -> None:
        self.databases: dict[int, Database] = {}
        self.senders = {number: Sender(id=number, name=name) for number, name in FIRST_SENDERS}
        self.suppressions: dict[int, SuppressionList] = {}
        self.sends: dict[str, Send] = {}
        self.goals: list[dict[str, Any]] = []
        self.orders: dict[str, dict[str, Any]] = {}
        self.resource_tokens: dict[int, str] = {}
        self.last_sender = max(self.senders)

    def database(self, db_id: int) -> Database:
        if db_id not in self.databases:
            self.databases[db_id] = Database(db_id)
        return self.databases[db_id]

    def suppression(self, list_id: int) -> SuppressionList:
        return self.suppressions.setdefault(
            list_id, SuppressionList(id=list_id, name=f"List #{list_id}")
        )

    def sender(self, sender_id: int, account_id: Any = None) -> Sender:
        """Raises Incorrect if there is none in that account."""
        sender = self.senders.get(sender_id)
        if sender is None or sender.account_id not in (None, account_id):
            raise Incorrect("virtual sender not found")
        return sender

    def add_sender(self, name: str, **more: Any) -> Sender:
        self.last_sender += 1
        sender = Sender(id=self.last_sender, name=name, **more)
        self.senders[sender.id] = sender
        return sender

    def send(self, database: Database, profile: Profile, *, at: datetime, **more: Any) -> Send:
        """Record a message to a profile, through its first subscription that may be used."""
        live = [each for each in profile.subscriptions.values() if not each.deleted]
        usable = [each for each in live if each.status == "subscribed"]
        send = Send(
            smid=f"smid-{len(self.sends) + 1}",
            at=at,
            db_id=database.id,
            profile_id=profile.id,
            subscription=next((each.key for each in usable or live), None),
            **more,
        )
        self.sends[send.smid] = send
        return send

    def shown(self) -> dict[str, Any]:
        """Everything, as plain data, for tests to compare."""
        return {
            "databases": {str(db_id): _database(each) for db_id, each in self.databases.items()},
            "vsenders": [_sender(each) for each in self.senders.values()],
            "suppresses": {
                str(each.id): {
                    "name": each.name,
                    "emails": sorted(each.emails),
                    "domains": sorted(each.domains),
                    "phones": sorted(each.phones),
                }
                for each in self.suppressions.values()
            },
            "sends": [_send(each) for each in self.sends.values()],
            "goals": self.goals,
            "orders": list(self.orders.values()),
        }


def _database(database: Database) -> dict[str, Any]:
    return {
        profile.id: {
            "fields": profile.fields,
            "segments": sorted(profile.segments),
            "subscriptions": [
                {**each.shown(), "hash_id": hash_id(database.id, profile.id, each.key)}
                for each in profile.subscriptions.values()
            ],
        }
        for profile in database
    }


def _sender(sender: Sender) -> dict[str, Any]:
    return {
        "id": sender.id,
        "name": sender.name,
        "account_id": sender.account_id,
        "email_rules": sender.email_rules,
        "sms_rules": sender.sms_rules,
    }


def _send(send: Send) -> dict[str, Any]:
    return {
        "smid": send.smid,
        "at": to_text(send.at),
        "what": send.what,
        "id": send.what_id,
        "db_id": send.db_id,
        "profile_id": send.profile_id,
        "subscription": list(send.subscription) if send.subscription else None,
        "content": send.content,
        "custom_data": send.custom_data,
    }
