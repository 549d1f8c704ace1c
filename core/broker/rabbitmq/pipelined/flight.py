"""What was written and not answered yet: each call waits for its messages, and has one verdict.

Confirms come in any order, singly or for everything up to a tag; a message that no queue took is
returned first and confirmed afterwards. What must not go in: bytes, and time but for deadlines that
are handed in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import takewhile

from core.errors import BrokerError, BrokerUnavailable, PublishRefused, Unroutable

Settle = Callable[[BrokerError | None], None]
_RETURNED = "publishing: no queue took the message"
_REFUSED = "publishing: the broker refused the message"


class Call:
    """Some messages that are answered together."""

    __slots__ = ("_refused", "_returned", "deadline", "given_up", "open", "settle")

    def __init__(self, messages: int, settle: Settle, deadline: float) -> None:
        self.open = messages
        self.settle: Settle | None = settle
        self.deadline = deadline
        self.given_up: int | None = None
        """How many confirms there had been when its time was over."""
        self._returned = False
        self._refused = False

    def returned(self) -> None:
        self._returned = True

    def answered(self, *, taken: bool) -> None:
        self.open -= 1
        if not taken:
            self._refused = True
        if not self.open:
            self.end(None)

    def end(self, error: BrokerError | None) -> None:
        """`error`: why the rest has no answer. What a person or the time must mend is told rather
        than that."""
        settle, self.settle = self.settle, None
        if settle is None:
            return
        if self._returned:
            error = Unroutable(_RETURNED)
        elif self._refused:
            error = PublishRefused(_REFUSED)
        settle(error)


class Flight:
    """The messages of one channel, by the tags that the broker counts."""

    def __init__(self) -> None:
        self._calls: dict[int, Call] = {}
        """In the order of their tags."""
        self._by_deadline: deque[Call] = deque()
        self.last = 0
        """The newest tag; 0: there was none."""
        self.confirms = 0

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, call: Call) -> None:
        """Its messages have the tags behind `last`. Calls come in the order of their deadlines."""
        calls, last = self._calls, self.last
        for tag in range(last + 1, last + 1 + call.open):
            calls[tag] = call
        self.last = last + call.open
        self._by_deadline.append(call)

    def confirmed(self, tag: int, *, multiple: bool, taken: bool) -> None:
        self.confirms += 1
        if not multiple:
            if (call := self._calls.pop(tag, None)) is not None:
                call.answered(taken=taken)
            return
        # Zero means: everything so far (specification, basic.ack). Only what is open is looked at:
        # behind one that is confirmed after minutes, millions may have come and gone.
        upto = tag or self.last
        for each in list(takewhile(lambda open_tag: open_tag <= upto, self._calls)):
            if (call := self._calls.pop(each, None)) is not None:
                call.answered(taken=taken)

    def returned(self, tag: int) -> None:
        if (call := self._calls.get(tag)) is not None:
            call.returned()

    def end_overdue(self, now: float, error: BrokerUnavailable) -> None:
        """Their messages stay: a late confirm must not be taken for one of somebody else's."""
        waiting = self._by_deadline
        while waiting and (waiting[0].settle is None or waiting[0].deadline <= now):
            call = waiting.popleft()
            call.given_up = self.confirms
            call.end(error)

    def is_held_up(self, most: int) -> bool:
        """Whether `most` messages were given up while others were confirmed: then it is a queue
        that confirms nothing, and the others would wait for it. Where nothing is confirmed at all,
        it may be about to come. Looks at all of them."""
        given_up = [it.given_up for it in self._calls.values() if it.given_up is not None]
        return len(given_up) >= most and given_up[0] < self.confirms

    @property
    def next_deadline(self) -> float | None:
        return self._by_deadline[0].deadline if self._by_deadline else None

    def end_all(self, error: BrokerError) -> None:
        self._calls.clear()
        waiting = self._by_deadline
        while waiting:
            waiting.popleft().end(error)
