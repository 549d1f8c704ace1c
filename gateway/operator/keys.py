"""Who may operate over HTTP: `POSTERN_OPERATOR_KEYS`, names with their keys.

Keys are kept hashed and compared as those of sources are. A key names a person or a program, for
the audit. What must not go in: any key in any message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from core.configuration import Secret
from core.errors import ConfigurationError
from gateway.sources.schemes.bearer import KeyHash, find_owner, hash_key

FIELD = "POSTERN_OPERATOR_KEYS"
_FILE = "file:"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,39}")
_KEY = re.compile(r"[!-~]{24,1024}")
_EXPECTED = (
    "expected NAME:KEY with a name of letters, digits and ._@- (at most 40) and a key of "
    "24 to 1024 printable ASCII characters without spaces"
)


class Operators:
    """Everybody who may operate."""

    def __init__(self, keys: Iterable[tuple[KeyHash, str]]) -> None:
        self._keys = tuple(keys)

    def by_bearer(self, authorization: str | None) -> str:
        """Whose key an `Authorization` header holds. Raises Unauthenticated."""
        return find_owner(authorization, self._keys)


def read_operators(setting: Secret | None) -> Operators | None:
    """None: nobody may. Raises ConfigurationError naming the entry that is wrong, by its number."""
    if setting is None:
        return None
    text = setting.reveal()
    if text.startswith(_FILE):
        place, entries = "line", _lines(Path(text.removeprefix(_FILE)))
    else:
        place, entries = "entry", list(enumerate(text.split(","), start=1))
    owners: dict[KeyHash, str] = {}
    for number, entry in entries:
        name, separator, key = entry.strip().partition(":")
        if not separator or not _NAME.fullmatch(name) or not _KEY.fullmatch(key):
            raise ConfigurationError(f"{place} {number}: {_EXPECTED}", field=FIELD)
        if owners.setdefault(hash_key(key), name) != name:
            raise ConfigurationError(f"{place} {number}: somebody else has this key", field=FIELD)
    if not owners:
        raise ConfigurationError("the file names nobody", field=FIELD)
    return Operators(owners.items())


def _lines(path: Path) -> list[tuple[int, str]]:
    """Without empty lines and comments."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = f"the file cannot be read ({type(error).__name__})"
        raise ConfigurationError(problem, field=FIELD) from error
    lines = enumerate(text.splitlines(), start=1)
    return [(number, line) for number, line in lines if line.strip() and line.lstrip()[0] != "#"]
