"""Request headers as parsers and verifiers need them: by lower-case name, and never two where one
counts.

A header sent twice is read differently by different programs along the way, so one that decides
something is refused then. What must not go in: what any header means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from multidict import CIMultiDict, CIMultiDictProxy

from core.errors import MalformedRequest


class Headers:
    """Names in lower case, values as received (bytes that are not UTF-8 as surrogate escapes)."""

    __slots__ = ("_values",)

    def __init__(
        self, pairs: Iterable[tuple[str, str]] | CIMultiDictProxy[str] | CIMultiDict[str] = ()
    ) -> None:
        self._values: CIMultiDictProxy[str] | CIMultiDict[str] = (
            pairs if isinstance(pairs, CIMultiDictProxy | CIMultiDict) else CIMultiDict(pairs)
        )

    def one(self, name: str) -> str | None:
        """The value, or None. Raises MalformedRequest if the header came more than once."""
        values = self._values.getall(name, None)
        if values is None:
            return None
        if len(values) > 1:
            raise MalformedRequest(f"The header {name} was sent more than once.")
        return values[0]

    def all(self, name: str) -> list[str]:
        """Every value, in the order in which they came."""
        return self._values.getall(name, [])

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def names(self) -> Iterator[str]:
        return iter(dict.fromkeys(name.lower() for name in self._values))

    def first(self) -> Iterator[tuple[str, str]]:
        """Each name with the first of its values."""
        return ((name, self._values[name]) for name in self.names())
