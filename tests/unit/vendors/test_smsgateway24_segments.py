"""What a text takes: encoding, length and segments, and the signs that are made plain."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.configuration import SecretRef
from tests.unit.vendors.cases import sms_provider
from vendors.operation import TextFacts
from vendors.smsgateway24.segments import EXTENDED, GSM, facts
from vendors.smsgateway24.send import Send
from vendors.smsgateway24.typography import plain
from vendors.wire import InvalidParams

ALPHABET = sorted(GSM | EXTENDED)
TEXTS = st.text(
    st.sampled_from([*ALPHABET, "é", "ж", "\u2019", "😀", "👩", "\u200d"]), max_size=400
)


def test_the_alphabet_has_every_sign_of_gsm_03_38() -> None:
    """128 positions, of which one is the escape to the extension table."""
    assert len(GSM) == 127
    assert len(EXTENDED) == 10
    assert not GSM & EXTENDED


@pytest.mark.parametrize(
    ("text", "encoding", "length", "segments"),
    [
        ("", "gsm-7", 0, 1),
        ("x" * 160, "gsm-7", 160, 1),
        ("x" * 161, "gsm-7", 161, 2),
        ("x" * 306, "gsm-7", 306, 2),
        ("x" * 307, "gsm-7", 307, 3),
        ("€" * 80, "gsm-7", 160, 1),
        ("€" * 81, "gsm-7", 162, 2),
        ("x" * 152 + "€" + "x" * 151, "gsm-7", 305, 2),
        ("x" * 152 + "€" + "x" * 152, "gsm-7", 306, 3),
        ("€" * 152, "gsm-7", 304, 2),
        ("€" * 153, "gsm-7", 306, 3),
        ("ж" * 70, "ucs-2", 70, 1),
        ("ж" * 71, "ucs-2", 71, 2),
        ("ж" * 134, "ucs-2", 134, 2),
        ("ж" * 135, "ucs-2", 135, 3),
        ("😀" * 35, "ucs-2", 70, 1),
        ("😀" * 36, "ucs-2", 72, 2),
        ("😀" * 66, "ucs-2", 132, 2),
        ("😀" * 67, "ucs-2", 134, 3),
        ("x" * 69 + "\u2019", "ucs-2", 70, 1),
        ("x" * 70 + "\u2019", "ucs-2", 71, 2),
        ("ç", "ucs-2", 1, 1),
        ("Ç", "gsm-7", 1, 1),
    ],
)
def test_what_a_text_takes(text: str, encoding: str, length: int, segments: int) -> None:
    """A sign of two units is never split: after 152 plain ones, € begins the next segment."""
    assert facts(text) == TextFacts(encoding=encoding, length=length, segments=segments)


@settings(deadline=None)
@given(text=TEXTS, more=TEXTS)
@example(text="{{", more="ж")
def test_a_longer_text_never_takes_less(text: str, more: str) -> None:
    shorter, longer = facts(text), facts(text + more)
    assert longer.segments >= shorter.segments
    # Units of two alphabets: an escaped sign of GSM-7 takes two, and one in UCS-2.
    if longer.encoding == shorter.encoding:
        assert longer.length >= shorter.length


@settings(deadline=None)
@given(text=TEXTS)
def test_segments_are_as_many_as_the_units_need_and_hardly_more(text: str) -> None:
    found = facts(text)
    single, each = (160, 153) if found.encoding == "gsm-7" else (70, 67)
    if found.length <= single:
        assert found.segments == 1
    else:
        assert -(-found.length // each) <= found.segments <= -(-found.length // (each - 1))


@settings(deadline=None)
@given(text=st.text(st.characters(min_codepoint=0x100, exclude_categories=["Cs"]), max_size=200))
def test_the_length_in_ucs_2_is_in_utf_16_units(text: str) -> None:
    found = facts(text)
    if found.encoding == "ucs-2":
        assert found.length == len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("\u201eHello\u201c \u2013 it\u2019s \u00abme\u00bb\u2026", '"Hello" - it\'s "me"...'),
        ("a\u00a0b\u2009c\u202fd", "a b c d"),
        ("co\u00adop\u200b\ufeff", "coop"),
        ("a\u200db", "ab"),
        ("👩\u200d👩\u200d👧 \u200c", "👩\u200d👩\u200d👧 "),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("Grüße, Ødegård, Łódź", "Grüße, Ødegård, Łódź"),
    ],
)
def test_typographic_signs_become_plain_and_letters_stay(written: str, sent: str) -> None:
    assert plain(written) == sent


@settings(deadline=None)
@given(text=st.text(max_size=200))
def test_what_is_plain_stays_as_it_is(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@settings(deadline=None)
@given(text=st.text(st.sampled_from([*"ab \n", *"\u2019\u2026\u00a0\u00ad\u200b\u0301é😀"])))
def test_a_prepared_text_is_prepared_to_itself(text: str) -> None:
    provider = sms_provider(SecretRef(env="X"), transliterate=True)
    prepared = Send().prepare({"to": "+4915752982212", "text": f"x{text}"}, provider)
    assert Send().prepare(prepared, provider) == prepared


def test_only_a_provider_that_says_so_changes_texts() -> None:
    curly = {"to": "+4915752982212", "text": "It\u2019s here\u2026"}
    as_written = Send().prepare(curly, sms_provider(SecretRef(env="X")))
    made_plain = Send().prepare(curly, sms_provider(SecretRef(env="X"), transliterate=True))
    assert as_written["text"] == curly["text"]
    assert made_plain["text"] == "It's here..."
    plain = sms_provider(SecretRef(env="X"), transliterate=True)
    (told,) = Send().facts(as_written, sms_provider(SecretRef(env="X")))
    (told_plain,) = Send().facts(as_written, plain)
    assert (told.encoding, told_plain.encoding) == ("ucs-2", "gsm-7")


def test_a_text_that_is_too_long_once_it_is_plain_is_refused() -> None:
    provider = sms_provider(SecretRef(env="X"), transliterate=True)
    with pytest.raises(InvalidParams) as caught:
        Send().prepare({"to": "+4915752982212", "text": "\u2026" * 534}, provider)
    assert caught.value.field == "text"
