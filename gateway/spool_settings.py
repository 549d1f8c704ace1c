"""`spool:` in the configuration: how much a gateway keeps while the broker is away.

Where it keeps it is the process's own setting (`POSTERN_SPOOL`). What must not go in: the spool.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from core.broker.spool import SpoolBounds
from core.configuration import Duration
from core.document import Document, validate

_SIZE = re.compile(r"([0-9]{1,6})(KiB|MiB|GiB)")
_UNITS = {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


def parse_size(value: Any) -> Any:
    """`512MiB` to bytes; raises ValueError saying what was expected."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected a size such as 512MiB or 1GiB")
    return int(match[1]) * _UNITS[match[2]]


Size = Annotated[int, BeforeValidator(parse_size)]


class SpoolSettings(BaseModel):
    """Past any of these bounds new events are refused with 503; what is in the spool is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    messages: int = Field(1_000_000, ge=1)
    size: Size = Field(1024**3, ge=1024)
    age: Duration = Field(timedelta(hours=24), gt=timedelta(0))

    @property
    def bounds(self) -> SpoolBounds:
        return SpoolBounds(messages=self.messages, size=self.size, age=self.age)


def load_spool(document: Document) -> SpoolSettings:
    """Raises ConfigurationError."""
    if "spool" not in document.data:
        return SpoolSettings.model_validate({})
    return validate(SpoolSettings, document, ("spool",))
