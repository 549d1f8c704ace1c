"""Structured logs: one wide line, with a stable event name, for what is not normal.

Every value passes `mask` before it is written, whoever logged it, so that a mistake at a call site
does not put a phone number or a token into a log. What libraries log goes the same way.

What must not go in: where lines are shipped to, and what is normal (that is metrics).
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path, PurePath
from types import TracebackType
from typing import Any, TextIO, cast

import orjson
import structlog
from structlog.typing import FilteringBoundLogger, Processor

from core.errors import PosternError

STARS = "****"
LONGEST = 500
DEEPEST = 4
WIDEST = 50

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

_HIDDEN = frozenset(
    {"token", "secret", "password", "authorization", "key", "phone", "to", "email", "text", "body"}
    | {"passwd", "cookie", "signature", "credential", "credentials", "recipient", "mail", "tokens"}
    | {"secrets", "keys", "phones", "emails", "subject", "data", "params"}
)
_WORDS = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+"
)
_CREDENTIALS = re.compile(r"(?<=://)[^\s/@]*@(?=\S)|(?<=://)[^\s/]*:[^\s@]*@(?=\S)")
_EMAIL = re.compile(r"[^\s@<>\"'(),;:=/]+@[^\s@<>\"'(),;:=/]+")
_NUMBER = re.compile(
    r"(?P<date>(?<!\d)\d{4}-\d{2}-\d{2}(?!\d))"
    r"|(?P<address>(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}"
    r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?![\d.]))"
    r"|(?P<phone>(?<![A-Za-z0-9_])\+?\(?\d(?:(?! \d{4}-\d{2}-\d{2})[ ()./-]{0,2}\d){6,}"
    r"(?![A-Za-z0-9_]))"
)
_ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = frozenset({"core", "vendors", "gateway", "consumers", "sandbox", "cli"})


def get_logger() -> FilteringBoundLogger:
    """A logger to keep at module level; it follows `configure_logs` whenever that is called."""
    return cast("FilteringBoundLogger", structlog.get_logger())


def configure_logs(level: str, json: bool, *, stream: TextIO | None = None) -> None:
    """Send our lines from `level` up, and the libraries' from WARNING up, to `stream` (stderr)."""
    sink = _Sink(stream or sys.stderr)
    ours: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
    ]
    finish: list[Processor] = [
        describe_exception,
        mask_line,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.JSONRenderer(serializer=_to_json)
        if json
        else structlog.dev.ConsoleRenderer(colors=sink.colours),
    ]
    structlog.configure(
        processors=[*ours, *finish],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: sink,
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*ours, structlog.stdlib.add_logger_name],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *finish],
    )
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler, _LibraryHandler)]:
        root.removeHandler(old)
    root.addHandler(_LibraryHandler(sink, formatter))
    root.setLevel(max(LEVELS[level], logging.WARNING))


def mask_text(text: str) -> str:
    """Control characters out; e-mail addresses, phone numbers, URL credentials starred; cut."""
    kept = text[: LONGEST * 2]
    kept = _UNPRINTABLE.sub(" ", kept)
    kept = _CREDENTIALS.sub(f"{STARS}@", kept)
    if "@" in kept:
        kept = _EMAIL.sub(lambda found: found[0] if found[0].startswith(STARS) else STARS, kept)
    kept = _NUMBER.sub(lambda found: STARS if found["phone"] else found[0], kept)
    if len(text) > LONGEST:
        # What was cut may have split a number in two, so the tail goes, too.
        return kept[:LONGEST].rstrip("+0123456789 ()./-") + "..."
    return kept


def is_hidden(key: str) -> bool:
    """Whether values under this name are never written: `token`, `api_key`, `shopSecret`, `to`."""
    return any(word.lower() in _HIDDEN for word in _WORDS.split(key))


_SHOWN: tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...] = (
    (Enum, lambda value: mask(value.value)),
    ((type(None), bool, float), lambda value: value),
    (int, lambda value: STARS if abs(value) >= 10**9 else value),
    (str, mask_text),
    (datetime, lambda value: value.isoformat()),
    (timedelta, lambda value: value.total_seconds()),
    (PurePath, lambda value: mask_text(str(value))),
    ((bytes, bytearray, memoryview), lambda value: f"<{len(value)} bytes>"),
    (PosternError, lambda value: mask_text(_name(value))),
)
"""What may be shown, and how: the first that fits (an Enum may be a str, a bool is an int)."""


def mask(value: Any, *, depth: int = 0) -> Any:
    """The value as it may stand in a log: personal data starred, long values cut, objects named."""
    if isinstance(value, Mapping) and depth < DEEPEST:
        return {
            mask_text(str(key)): STARS if is_hidden(str(key)) else mask(part, depth=depth + 1)
            for key, part in list(value.items())[:WIDEST]
        }
    if isinstance(value, list | tuple | set | frozenset) and depth < DEEPEST:
        return [mask(part, depth=depth + 1) for part in list(value)[:WIDEST]]
    for kind, show in _SHOWN:
        if isinstance(value, kind):
            return show(value)
    # A record's repr may hold a whole event: only its type is told.
    return f"<{type(value).__name__}>"


def mask_line(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The processor through which every line goes."""
    return cast("MutableMapping[str, Any]", mask(line))


def describe_exception(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace `exc_info` by the error's type and where in our code it was, without any values."""
    info = line.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        line["error"] = _name(error)
        line["frames"] = _frames(error.__traceback__)
        if error.__cause__ is not None:
            line["cause"] = _name(error.__cause__)
    return line


def _name(error: BaseException) -> str:
    """Our own errors say nothing personal; of others only the type is told."""
    if isinstance(error, BaseExceptionGroup):
        return f"{type(error).__name__}({', '.join(_name(part) for part in error.exceptions)})"
    if isinstance(error, PosternError):
        return f"{type(error).__name__}: {error}"
    return type(error).__name__


def _frames(trace: TracebackType | None) -> list[str]:
    frames = []
    while trace is not None:
        code = trace.tb_frame.f_code
        path = Path(code.co_filename)
        place = path.relative_to(_ROOT).parts if path.is_relative_to(_ROOT) else ()
        if place and place[0] in _PACKAGES:
            frames.append(f"{'/'.join(place)}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return frames[-WIDEST // 2 :]


def _to_json(line: Any, **_: Any) -> str:
    return orjson.dumps(line, option=orjson.OPT_NON_STR_KEYS, default=str).decode()


class _Sink:
    """Writes whole lines. A closed or full standard error costs the line, never the request."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.colours = stream.isatty()

    def msg(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            return

    debug = info = warning = error = critical = exception = fatal = log = msg


class _LibraryHandler(logging.Handler):
    """Takes what libraries log through the standard library."""

    def __init__(self, sink: _Sink, formatter: logging.Formatter) -> None:
        super().__init__()
        self._sink = sink
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._sink.msg(self.format(record))
        except (TypeError, ValueError, AttributeError):
            # A library's log call with arguments that do not fit its text.
            self._sink.msg('{"event": "log_line_unreadable", "level": "warning"}')
