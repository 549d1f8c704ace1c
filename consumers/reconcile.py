"""Finding out whether a call of unknown outcome took effect, before anything is sent a second time.

An empty answer proves nothing by itself: a filter may be ignored, an account may be another one. It
counts only if the same form of question has found an earlier text of this account in this process's
life. What must not go in: what follows from the finding (see `delivery`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.errors import CallDropped, MaybeSent, NotSent
from core.identity import request_id, text_tag
from core.journal.port import Earlier
from core.messages import Action
from vendors.lookup import Finding, Lookup, Query, Sighting
from vendors.operation import Operation
from vendors.provider import Provider
from vendors.wire import Answer, Identity, Params, Request

_MOST_CLAIMED = 50
"""Texts of other actions that may stand between us and ours in one answer."""


class Memory(Protocol):
    """What the lookup needs of the journal."""

    async def last_done(
        self, provider: str, operation: str, *, other_than: str
    ) -> Earlier | None: ...

    async def references(self, provider: str, references: Sequence[str]) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The call took effect; this is the provider's own id of it."""

    reference: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """Provably not there: it may be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unproven:
    """Nothing found by a form of question that has never found anything."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The lookup itself failed and says nothing."""

    reason: str


Ask = Callable[[Request], Awaitable[Answer]]


class Reconciler:
    """Looks calls up at one provider, and remembers which forms of question are proven."""

    def __init__(self, name: str, memory: Memory) -> None:
        self._name = name
        self._memory = memory
        self._proven: set[str] = set()

    async def find(
        self, action: Action, params: Params, identity: Identity, *, held: Looked, ask: Ask
    ) -> Found | Absent | Unproven | Failed:
        """Raises CallDropped when the lease ends meanwhile, JournalUnavailable when that is
        away."""
        unproven = None
        for query in held.lookup.queries(params, identity, held.provider):
            sighting = await self._look(query, held.lookup, params, identity, ask)
            match sighting.finding:
                case Finding.FOUND:
                    return Found(reference=sighting.reference)
                case Finding.FAILED:
                    return Failed(reason=sighting.reason)
                case Finding.EMPTY:
                    # The other forms are asked all the same: one of them may find it.
                    proof = sighting.proven or await self._prove(query.form, action, held, ask)
                    if isinstance(proof, Failed):
                        return proof
                    if not proof:
                        unproven = unproven or query.form
        if unproven is None:
            return Absent()
        return Unproven(
            reason=f"not found by {unproven}, a form of lookup that has not yet found any earlier "
            "text of this account"
        )

    async def _look(
        self, query: Query, lookup: Lookup, params: Params, identity: Identity, ask: Ask
    ) -> Sighting:
        answer = await _asked(ask, query.request)
        if isinstance(answer, Sighting):
            return answer
        claimed: frozenset[str] = frozenset()
        while len(claimed) < _MOST_CLAIMED:
            sighting = lookup.read(answer, params, identity, claimed)
            if sighting.finding is not Finding.FOUND or sighting.reference is None:
                return sighting
            # A text that another action is known to have made is that action's, not ours.
            if not await self._memory.references(self._name, [sighting.reference]):
                return sighting
            claimed |= {sighting.reference}
        return Sighting(finding=Finding.FAILED, reason="too many texts of other actions in the way")

    async def _prove(self, form: str, action: Action, held: Looked, ask: Ask) -> bool | Failed:
        """Whether this form of question finds an earlier text. A question that failed has not
        answered: a person must not be asked for it, a later look may tell."""
        if form in self._proven:
            return True
        earlier = await self._memory.last_done(
            self._name, held.operation.name, other_than=action.id
        )
        if earlier is None:
            return False
        identity = identity_of(earlier.action_id, earlier.generation, earlier)
        for query in held.lookup.queries(earlier.params, identity, held.provider):
            if query.form != form:
                continue
            answer = await _asked(ask, query.request)
            if isinstance(answer, Sighting):
                return Failed(reason=answer.reason)
            sighting = held.lookup.read(answer, earlier.params, identity, frozenset())
            match sighting.finding:
                case Finding.FOUND:
                    self._proven.add(form)
                    return True
                case Finding.FAILED:
                    return Failed(reason=sighting.reason)
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """The operation whose calls are looked up, with its lookup and its provider."""

    operation: Operation
    lookup: Lookup
    provider: Provider


def identity_of(action_id: str, generation: int, earlier: Earlier) -> Identity:
    return Identity(
        request_id=request_id(action_id, generation),
        tag=text_tag(action_id, generation),
        called_at=earlier.called_at,
    )


async def _asked(ask: Ask, request: Request) -> Answer | Sighting:
    try:
        return await ask(request)
    except CallDropped:
        raise
    except (NotSent, MaybeSent) as error:
        return Sighting(finding=Finding.FAILED, reason=str(error))
