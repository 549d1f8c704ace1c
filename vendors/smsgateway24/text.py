"""The body of a text: made harmless before it goes out, compared with what the provider shows.

What must not go in: splitting into segments; the phones do that.
"""

from __future__ import annotations

import re
import unicodedata

MAX_LENGTH = 1600
"""Characters, about ten segments. The provider documents no limit; this keeps a mistake affordable.
"""

_LINE_ENDS = re.compile("\r\n|[\r\u2028\u2029\x0b\x0c\x85]")
_HIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
"""Controls but the line feed, halves of characters, and what changes the direction."""

_SPACES = re.compile(r"\s+")


def cleaned(text: str) -> str:
    """NFC without control and direction characters (those can make a text read as another one).

    Raises ValueError when nothing is left, or too much.
    """
    lines = _LINE_ENDS.sub("\n", text).replace("\t", " ")
    clean = unicodedata.normalize("NFC", _HIDDEN.sub("", lines)).strip()
    if not clean:
        raise ValueError("is empty")
    if len(clean) > MAX_LENGTH:
        raise ValueError(f"is longer than {MAX_LENGTH} characters")
    return clean


def same(ours: str, theirs: str) -> bool:
    """Whether it is our text. A provider may lose spacing and what is beyond the basic plane."""
    return _comparable(ours) == _comparable(theirs)


def _comparable(text: str) -> str:
    basic = "".join(sign for sign in text if sign <= "\uffff" and sign not in "?\ufffd")
    return _SPACES.sub("", unicodedata.normalize("NFC", basic))
