"""Typographic signs as plain ones: one curly quote turns a text of 160 characters into three
segments.

What must not go in: letters of any language; a name stays as it is written.
"""

from __future__ import annotations

import re

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u2039\u203a", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u00a0\u1680\u202f\u205f\u3000", " "),
        **dict.fromkeys(map(chr, range(0x2000, 0x200B)), " "),
        **dict.fromkeys("\u00ad\u180e\u200b\u2060\ufeff", ""),
        "\u2026": "...",
    }
)

_JOINER = re.compile(r"(?<=[\x00-\xff])[\u200c\u200d]+|^[\u200c\u200d]+")
"""After a Latin sign a joiner does nothing; elsewhere it holds an emoji or a word together."""


def plain(text: str) -> str:
    """Quotes, dashes, dots and spaces as ASCII has them; what nobody sees is left out."""
    return _JOINER.sub("", text.translate(_PLAIN))
