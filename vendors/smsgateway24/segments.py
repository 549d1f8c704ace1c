"""How many segments a text takes, as networks count and bill them.

GSM 03.38: 160 septets, or 153 in each of several segments. One sign outside of that alphabet, and
the whole text is UCS-2: 70 code units, or 67 in each. A sign of two units is never split, so a
segment may carry one unit less. What must not go in: changing the text.
"""

from __future__ import annotations

from collections.abc import Sequence

from vendors.operation import TextFacts

GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")
"""Each takes two septets: an escape, and the sign."""


def facts(text: str) -> TextFacts:
    """Encoding, length in its units, and segments (1 for no text at all)."""
    if all(sign in GSM or sign in EXTENDED for sign in text):
        sizes = [2 if sign in EXTENDED else 1 for sign in text]
        return _counted("gsm-7", sizes, single=160, each=153)
    sizes = [2 if sign > "\uffff" else 1 for sign in text]
    return _counted("ucs-2", sizes, single=70, each=67)


def _counted(encoding: str, sizes: Sequence[int], *, single: int, each: int) -> TextFacts:
    length = sum(sizes)
    segments = 1 if length <= single else _packed(sizes, each)
    return TextFacts(encoding=encoding, length=length, segments=segments)


def _packed(sizes: Sequence[int], each: int) -> int:
    segments, used = 1, 0
    for size in sizes:
        if used + size > each:
            segments, used = segments + 1, 0
        used += size
    return segments
