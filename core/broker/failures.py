"""What aio-pika raises, told in our errors. It also raises CancelledError when nobody was
cancelled.

What must not go in: retries, and what a caller does about an error.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Never

from aio_pika.exceptions import (
    CONNECTION_EXCEPTIONS,
    AuthenticationError,
    ChannelNotFoundEntity,
    DeliveryError,
    ProbableAuthenticationError,
    PublishError,
)
from aiormq.exceptions import InvalidFrameError

from core.errors import (
    BrokerError,
    BrokerUnavailable,
    LoginRefused,
    PublishRefused,
    Unroutable,
)

_OBJECT = re.compile(r" object at 0x[0-9a-f]+")
"""In a repeated reason an address would make it look new each time."""


def really_cancelled() -> bool:
    """Whether somebody asked the running task to end (the library only pretends at times)."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


@contextmanager
def library_failures(doing: str) -> Iterator[None]:
    """Run library code: every failure of it comes out as one of our errors, a real cancellation as
    itself.

    `asyncio.timeout` belongs inside, so that its own cancellation is over when this looks.
    """
    try:
        yield
    except BrokerError:
        raise
    except (TimeoutError, asyncio.CancelledError, *CONNECTION_EXCEPTIONS) as error:
        if isinstance(error, asyncio.CancelledError) and really_cancelled():
            raise
        raise_as_ours(error, doing)
    except Exception as error:
        if _is_nameless(error):
            raise_as_ours(error, doing)
        raise


def _is_nameless(error: BaseException) -> bool:
    """What is under way when a connection ends without a reason gets a bare `Exception` (aiormq,
    `FutureStore.reject_all`). Unnoticed it would end the process."""
    return type(error) is Exception


def raise_as_ours(error: BaseException, doing: str) -> Never:
    """Raise the error of ours that `error` means; one that is not the library's goes on as it
    is."""
    match error:
        case PublishError():
            raise Unroutable(f"{doing}: no queue took the message") from error
        case DeliveryError():
            raise PublishRefused(f"{doing}: the broker refused the message") from error
        case ChannelNotFoundEntity():
            raise Unroutable(f"{doing}: {describe(error)}") from error
        case AuthenticationError() | ProbableAuthenticationError():
            raise LoginRefused(f"{doing}: {describe(error)}") from error
        case TimeoutError():
            raise BrokerUnavailable(f"{doing}: no answer in time") from error
        case asyncio.CancelledError():
            raise BrokerUnavailable(f"{doing}: the connection was lost") from error
    if _is_nameless(error):
        raise BrokerUnavailable(f"{doing}: the connection was lost") from error
    if isinstance(error, CONNECTION_EXCEPTIONS):
        raise BrokerUnavailable(f"{doing}: {describe(error)}") from error
    raise error


def describe(error: BaseException) -> str:
    """One line about a library error. It never holds credentials: the library's messages do not."""
    match error:
        case AuthenticationError() | ProbableAuthenticationError():
            return "the broker refused the user name or password"
        case asyncio.CancelledError():
            return "the connection was lost"
        case TimeoutError():
            return "no answer in time"
        case InvalidFrameError() if "OpenOk" in str(error):
            # The library drops what the broker said.
            return "the broker does not open this virtual host for this user"
    text = _OBJECT.sub("", " ".join(str(error).split()))
    return text or type(error).__name__
