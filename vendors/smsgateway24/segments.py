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
_SEVEN_BITS = GSM | EXTENDED


def facts(text: str) -> TextFacts:
    """Encoding, length in its units, and segments (1 for no text at all)."""
    signs = set(text)
    if signs <= _SEVEN_BITS:
        length = len(text) + sum(map(text.count, signs & EXTENDED))
        segments = 1 if length <= 160 else _packed([_septets(sign) for sign in text], 153)
        return TextFacts(encoding="gsm-7", length=length, segments=segments)
    length = len(text.encode("utf-16-le", "surrogatepass")) // 2
    segments = 1 if length <= 70 else _packed([_units(sign) for sign in text], 67)
    return TextFacts(encoding="ucs-2", length=length, segments=segments)


def _septets(sign: str) -> int:
    return 2 if sign in EXTENDED else 1


def _units(sign: str) -> int:
    return 2 if sign > "\uffff" else 1


def _packed(sizes: Sequence[int], each: int) -> int:
    segments, used = 1, 0
    for size in sizes:
        if used + size > each:
            segments, used = segments + 1, 0
        used += size
    return segments
