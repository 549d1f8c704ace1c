"""Every error that Postern raises on purpose, in one tree with one root.

    PosternError
    ├── ConfigurationError        a file or setting is wrong; stops a start, never what runs
    │   └── FileInUse                 another process works on this file
    ├── MessageError              a message in a queue cannot be read
    │   ├── UnreadableMessage         not ours, or damaged
    │   └── UnknownVersion            written by a newer major version
    ├── BrokerError
    │   ├── BrokerUnavailable         away, blocked or too slow; a publish's outcome is unknown
    │   │   ├── BrokerBlocked             it says itself that it takes nothing for now
    │   │   └── LoginRefused              it does not believe who we say we are
    │   ├── PublishRefused            the broker said no (nack: a full queue, an internal error)
    │   ├── Unroutable                no queue took it: the topology is not there
    │   ├── SpoolFull                 the broker is away, and the spool may hold no more
    │   └── TopologyMismatch          a queue stands with other arguments
    ├── JournalError
    │   ├── JournalUnavailable        away or too slow; nothing is known
    │   └── JournalRejected           the data itself cannot be stored
    ├── CallError                 a provider call came to no answer
    │   ├── CallDropped               not started: its lease no longer covers it
    │   ├── NoWay                     not started: every way to make it is silent
    │   ├── NotSent                   nothing of it left this process
    │   └── MaybeSent                 it may have taken effect
    └── RequestError              what a client sent is refused; carries a stable `code`
        ├── MalformedRequest  BodyTooLarge  BodyTooSlow  UnsupportedContent
        ├── Unauthenticated  NotAllowed  NotFound  MethodNotAllowed
        ├── InvalidEvent  InvalidBatch  InvalidParameter
        ├── TooManyRequests
        └── Overloaded

Which HTTP status each becomes stands in one table, `gateway/http/problem.py`. What must not go in:
the input that caused an error. Messages name fields and positions, never values.
"""

from __future__ import annotations


class PosternError(Exception):
    """Root of every error raised on purpose."""


class ConfigurationError(PosternError):
    """A configuration is wrong: names the file, the line, the field and what was expected."""

    def __init__(
        self,
        problem: str,
        *,
        file: str | None = None,
        line: int | None = None,
        field: str | None = None,
    ) -> None:
        self.problem = problem
        self.file = file
        self.line = line
        self.field = field
        super().__init__(str(self))

    def __str__(self) -> str:
        place = self.file or ""
        if self.line is not None:
            place += f":{self.line}"
        return ": ".join(part for part in (place, self.field, self.problem) if part)


class FileInUse(ConfigurationError):
    """A file of one process is in another one's hands."""


class MessageError(PosternError):
    """A message taken from a queue cannot be read."""


class UnreadableMessage(MessageError):
    """The body is not a message of ours, or it is damaged."""


class UnknownVersion(MessageError):
    """The message was written by a newer major version."""


class BrokerError(PosternError):
    """The broker did not do what was asked."""


class BrokerUnavailable(BrokerError):
    """The broker is away, blocked or too slow. What became of a publish is unknown."""


class BrokerBlocked(BrokerUnavailable):
    """The broker has said that it takes nothing for now (connection.blocked): an alarm."""


class LoginRefused(BrokerUnavailable):
    """The broker does not believe who we say we are. Trying at once again would only fill its
    log."""


class PublishRefused(BrokerError):
    """The broker refused a message (basic.nack): a queue is full or has failed."""


class Unroutable(BrokerError):
    """No queue took a message: the topology has not been declared, or was changed."""


class SpoolFull(BrokerError):
    """The spool has reached a bound: what is in it is kept, and nothing more is taken."""


class TopologyMismatch(BrokerError):
    """A queue or exchange of ours stands at the broker with other arguments."""


class JournalError(PosternError):
    """The journal did not do what was asked."""


class JournalUnavailable(JournalError):
    """The journal is away or too slow; whether a write took effect is unknown."""


class JournalRejected(JournalError):
    """The journal is well, but it cannot store this data."""


class CallError(PosternError):
    """A provider call came to no answer. The text is for people and names no address and no
    data."""


class CallDropped(CallError):
    """The call was not started: the lease of its action no longer covers its timeout."""


class NoWay(CallError):
    """The call was not started: none of the ways to make it (phones, say) was heard of lately."""


class NotSent(CallError):
    """Nothing of the request left this process."""


class MaybeSent(CallError):
    """The request was at least partly written and no whole answer came: it may have taken
    effect."""


class RequestError(PosternError):
    """A client's request is refused. `code` is stable and documented; `detail` never repeats
    input."""

    code = "bad-request"

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        if code is not None:
            self.code = code


class MalformedRequest(RequestError):
    """The bytes are not what they say they are: not JSON, bad encoding, broken headers."""

    code = "malformed"


class BodyTooLarge(RequestError):
    code = "body-too-large"


class BodyTooSlow(RequestError):
    code = "body-too-slow"


class UnsupportedContent(RequestError):
    """A content type or content encoding that is not taken."""

    code = "unsupported-content"


class Unauthenticated(RequestError):
    """One text for every cause; the cause goes to the metric named by `cause` only."""

    code = "unauthenticated"

    def __init__(self, *, cause: str) -> None:
        super().__init__("The request could not be authenticated.")
        self.cause = cause


class NotAllowed(RequestError):
    code = "not-allowed"


class NotFound(RequestError):
    code = "not-found"


class MethodNotAllowed(RequestError):
    code = "method-not-allowed"

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__("The method is not allowed here.")
        self.allowed = allowed


class InvalidEvent(RequestError):
    """Well-formed, but no event: a field is missing or has the wrong shape. Names the field."""

    code = "invalid-event"

    def __init__(self, detail: str, *, field: str, code: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.field = field


class InvalidBatch(RequestError):
    """One element of a batch is bad, so all are refused. `index` counts from 0."""

    code = "invalid-batch"

    def __init__(self, detail: str, *, index: int, field: str | None, cause: str) -> None:
        super().__init__(detail)
        self.index = index
        self.field = field
        self.cause = cause


class InvalidParameter(RequestError):
    """A query parameter is unknown or has the wrong shape."""

    code = "invalid-parameter"


class TooManyRequests(RequestError):
    """More than a source or an address may; `retry_after` are seconds, as far as can be told."""

    code = "rate-limited"

    def __init__(self, detail: str, *, retry_after: int, code: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.retry_after = max(1, retry_after)


class Overloaded(RequestError):
    """Too many requests are in progress."""

    code = "overloaded"
