"""The samples that the demo runs on: a configuration, events, and what is to become of each.

They stand in `examples/` of the repository. What must not go in: running anything.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from core.document import read_document
from core.errors import PosternError
from core.journal.states import State
from core.settings import secret_names

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SANDBOX = "http://127.0.0.1:8181"
"""Where the samples' configuration expects the sandbox."""

KEY = "POSTERN_SHOP_KEY"

STUMBLE = {
    "call": "addsms",
    "fault": "status",
    "status": 503,
    "match": {"sendto": "+491713920006"},
}
"""The fault that the demo orders: the first try of one text meets it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One file of events and what is expected: step to (state, least number of attempts)."""

    file: str
    shows: str
    steps: dict[str, tuple[State, int]]


SUBSCRIPTION = "altcraft.subscriptions/set"
TEXT = "sms.send"

SAMPLES = (
    Sample(
        file="01-order-placed.json",
        shows="an order: a subscription and a text",
        steps={SUBSCRIPTION: (State.DONE, 1), TEXT: (State.DONE, 1)},
    ),
    Sample(
        file="02-user-signed-up.json",
        shows="a sign-up: a subscription and an urgent text",
        steps={SUBSCRIPTION: (State.DONE, 1), TEXT: (State.DONE, 1)},
    ),
    Sample(
        file="03-order-without-consent.json",
        shows="no rule matches: its condition says no",
        steps={},
    ),
    Sample(
        file="04-order-shipped-without-tracking.json",
        shows="its rule fails: parked for a person",
        steps={TEXT: (State.PARKED, 0)},
    ),
    Sample(
        file="05-order-placed-again.json",
        shows="the first one again: nothing is done twice",
        steps={SUBSCRIPTION: (State.DONE, 1), TEXT: (State.DONE, 1)},
    ),
    Sample(
        file="06-order-shipped-fault.json",
        shows="the provider fails once: done with the second attempt",
        steps={TEXT: (State.DONE, 2)},
    ),
)


def write_configuration(to: Path, sandbox: str) -> frozenset[str]:
    """The samples' configuration, for a sandbox at that address; returns the secrets it names.

    Raises PosternError where the samples are not there.
    """
    source = EXAMPLES / "postern.yaml"
    if not source.is_file():
        raise PosternError(f"{EXAMPLES} is not there; the demo runs in a clone of the repository")
    to.write_text(source.read_text(encoding="utf-8").replace(SANDBOX, sandbox), encoding="utf-8")
    return secret_names(read_document(to).data)


def new_secret(name: str) -> str:
    """Random. A signing secret has a form of its own (Standard Webhooks)."""
    if name.endswith("_SECRET"):
        return "whsec_" + b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_urlsafe(24)
