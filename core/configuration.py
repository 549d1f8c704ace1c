"""Values that configuration files hold: durations and references to secrets.

A secret never stands in a file of ours; what stands there is where to find it. What must not go in:
reading YAML (see `core.document`), or what any one setting means.
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from core.errors import ConfigurationError

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(value: Any) -> Any:
    """`500ms`, `10s`, `5m`, `2h`, `30d` to a timedelta; raises ValueError saying what was
    expected."""
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected a duration such as 500ms, 10s, 5m, 2h or 30d")
    try:
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    except OverflowError:
        raise ValueError("the duration is too long") from None


_RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?)/(s|m|h)")


def parse_rate(value: Any) -> Any:
    """`10/s`, `100/m` or `500/h` to a number a second; raises ValueError saying what was
    expected."""
    if isinstance(value, float):
        return value
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    rate = float(match[1]) / _UNITS[match[2]] if match is not None else 0.0
    if not 0.0001 <= rate <= 100_000:
        raise ValueError("expected a rate such as 10/s, 100/m or 500/h")
    return rate


Rate = Annotated[float, BeforeValidator(parse_rate)]
Duration = Annotated[timedelta, BeforeValidator(parse_duration)]


class Secret:
    """A secret value; printing it in any way gives stars."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret('****')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class SecretRef(BaseModel):
    """Where a secret is: `{env: NAME}` or `{file: PATH}`, exactly one of them."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    env: str | None = None
    file: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _is_a_reference(cls, value: Any) -> Any:
        if not isinstance(value, dict | SecretRef):
            raise ValueError("expected {env: NAME} or {file: PATH}")  # noqa: TRY004 - pydantic's way
        return value

    @model_validator(mode="after")
    def _exactly_one(self) -> SecretRef:
        if (self.env is None) == (self.file is None):
            raise ValueError("expected {env: NAME} or {file: PATH}")
        return self

    def read(self, *, field: str) -> Secret:
        """The secret itself. Raises ConfigurationError naming `field` if it is missing or empty."""
        if self.env is not None:
            value = os.environ.get(self.env, "")
            place = f"environment variable {self.env}"
        else:
            place = f"file {self.file}"
            try:
                value = Path(self.file or "").read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigurationError(
                    f"{place} cannot be read ({type(error).__name__})", field=field
                ) from error
        if not value:
            raise ConfigurationError(f"{place} is missing or empty", field=field)
        return Secret(value)
