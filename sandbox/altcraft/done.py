"""What a call of the platform came to, before it is written as an answer. What must not go in:
HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.altcraft.platform import Platform
from sandbox.altcraft.subscriptions import Change

Params = dict[str, Any]
Act = Callable[[Platform, Params, datetime], "Done"]
"""Takes effect in one step. Raises Incorrect, and then nothing has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A change of a subscription, for the page."""

    db_id: int
    profile_id: str
    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """`content`: what stands beside `error`. `reference`: what the effect is known by."""

    content: dict[str, Any] = field(default_factory=dict)
    reference: str | None = None
    shown: tuple[Shown, ...] = ()
    words: str = "Successful operation"
