"""What a person is told when a command cannot do its work: one message on standard error, never a
traceback.

What must not go in: printing and exiting.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import BrokerError, ConfigurationError, JournalError, PosternError


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """`expected`: a kind of error that we raise on purpose; the other kind is a fault of ours."""

    message: str
    exit_code: int
    expected: bool


def explain(error: BaseException) -> Failure:
    """The first error of ours in `error`, in words. 2: the configuration is wrong; 1: all else."""
    cause = first_of_ours(error)
    match cause:
        case ConfigurationError():
            return Failure(message=f"wrong configuration: {cause}", exit_code=2, expected=True)
        case BrokerError():
            return Failure(message=f"broker: {cause}", exit_code=1, expected=True)
        case JournalError():
            return Failure(message=f"journal: {cause}", exit_code=1, expected=True)
        case PosternError():
            return Failure(message=str(cause), exit_code=1, expected=True)
        case OSError():
            problem = cause.strerror or type(cause).__name__
            place = f"{cause.filename}: " if cause.filename else ""
            return Failure(message=f"{place}{problem}", exit_code=1, expected=True)
        case _:
            text = f"this should not have happened ({type(cause).__name__})"
            return Failure(message=text, exit_code=1, expected=False)


def first_of_ours(error: BaseException) -> BaseException:
    """Looks into groups: a task group wraps what one of its tasks raised."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    causes = [first_of_ours(part) for part in error.exceptions]
    ours = [cause for cause in causes if isinstance(cause, PosternError)]
    return (ours or causes)[0]
