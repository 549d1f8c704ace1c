"""The XML form: the vendor's printed examples, and answers that are hostile."""

from __future__ import annotations

import re
from xml.etree.ElementTree import fromstring

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.configuration import SecretRef
from tests.unit.vendors.cases import IDENTITY, altcraft_provider, answer
from vendors.altcraft import ALTCRAFT, xml
from vendors.altcraft.provider import AltcraftProvider
from vendors.wire import InvalidParams, OutcomeKind, Params

CLONE = ALTCRAFT.operations["vsenders/clone"]
SET = ALTCRAFT.operations["subscriptions/set"]

PRINTED = b"""<xml>
<token>abcdefghijklmnqrstuvwxyz</token>
<id>15</id>
<name>Clone of virtual sender #15</name>
</xml>"""

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">
<!ENTITY lol1 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
<!ENTITY lol2 "&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;">
]><xml><error>0</error><error_text>&lol2;</error_text></xml>"""


@pytest.fixture
def speaks_xml(token: SecretRef) -> AltcraftProvider:
    return altcraft_provider(token, format="xml")


def test_the_printed_json_request_and_answer_of_a_clone(altcraft: AltcraftProvider) -> None:
    params = {"id": 14, "name": "Clone of virtual sender #14"}
    request = CLONE.request(CLONE.prepare(params, altcraft), IDENTITY, altcraft)
    assert request.path == "api/v1.1/vsenders/clone"
    assert orjson.loads(request.body) == {
        "token": "abcdefghijklmnqrstuvwxyz",
        "id": 14,
        "name": "Clone of virtual sender #14",
    }
    printed = """{
"data": {
"saved_id": 16
},
"error": 0,
"error_text": "Successful operation"
}"""
    outcome = CLONE.read(answer(200, printed), params, altcraft)
    assert (outcome.kind, outcome.reference) == (OutcomeKind.DONE, "16")


def test_the_printed_xml_request_is_made_byte_for_byte(speaks_xml: AltcraftProvider) -> None:
    """But for the line that asks for an answer in XML."""
    params = {"id": 15, "name": "Clone of virtual sender #15"}
    request = CLONE.request(CLONE.prepare(params, speaks_xml), IDENTITY, speaks_xml)
    assert request.body.replace(b"<format>xml</format>\n", b"") == PRINTED
    assert request.body.endswith(b"\n<format>xml</format>\n</xml>")
    assert request.headers["Content-Type"] == request.headers["Accept"] == "application/xml"


def test_the_printed_xml_answer_is_done(speaks_xml: AltcraftProvider) -> None:
    printed = b"""<xml>
<data>
<saved_id>16</saved_id>
</data>
<error>0</error>
<error_text>Successful operation</error_text>
</xml>"""
    outcome = CLONE.read(answer(200, printed), {}, speaks_xml)
    assert (outcome.kind, outcome.reference) == (OutcomeKind.DONE, "16")
    assert ALTCRAFT.content(answer(200, printed)) == {
        "data": {"saved_id": "16"},
        "error": "0",
        "error_text": "Successful operation",
    }


def test_lists_nulls_and_booleans_are_written_as_the_vendor_does() -> None:
    written = xml.write({"b": [{"x": None}, {"x": True}], "a": False, "c": [], "d": "<&>\r"})
    assert written == (
        b"<xml>\n<a>false</a>\n<b array='true'><x></x></b>\n<b array='true'><x>true</x></b>\n"
        b"<c array='true'></c>\n<d>&lt;&amp;&gt;&#13;</d>\n</xml>"
    )
    assert fromstring(written).findtext("d") == "<&>\r"


def test_repeated_elements_are_a_list_and_one_of_them_is_itself() -> None:
    assert xml.read(b"<xml><data><id>1</id></data><data><id>2</id></data></xml>") == {
        "data": [{"id": "1"}, {"id": "2"}]
    }
    assert xml.read(b"<xml><data><id>1</id></data></xml>") == {"data": {"id": "1"}}
    assert xml.read(b"<xml><data array='true'><id>1</id></data><n/></xml>") == {
        "data": [{"id": "1"}],
        "n": None,
    }


HOSTILE = {
    "billion laughs": LAUGHS,
    "an entity": b'<!DOCTYPE x [<!ENTITY a "b">]><xml><error>0</error></xml>',
    "a file": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><e>&a;</e></xml>',
    "a DTD": b"<!DOCTYPE xml><xml><error>0</error></xml>",
    "a DTD elsewhere": b'<!DOCTYPE xml SYSTEM "http://127.0.0.1/x.dtd"><xml><error>0</error></xml>',
    "depth": b"<xml>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</xml>",
    "size": b"<xml><error>0</error>" + b"<a/>" * 300_000 + b"</xml>",
    "not UTF-8": b"<xml><error>0</error><error_text>\xff\xfe</error_text></xml>",
    "cut off": b"<xml><error>0</error>",
    "a web page": b"<html><error>0</error></html>",
    "an odd encoding": b'<?xml version="1.0" encoding="no-such"?><xml><error>0</error></xml>',
    "a zip of bytes": b"<" + bytes(range(256)) * 10,
    "nothing": b"<xml/>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_answer_that_is_hostile_or_broken_leaves_the_outcome_unknown(
    name: str, speaks_xml: AltcraftProvider
) -> None:
    outcome = SET.read(answer(200, HOSTILE[name]), {}, speaks_xml)
    assert outcome.kind is OutcomeKind.UNKNOWN


@given(st.binary(max_size=300).map(lambda raw: b"<" + raw))
def test_reading_xml_never_raises(raw: bytes) -> None:
    assert xml.read(raw) is None or isinstance(xml.read(raw), dict)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"url": "x\u0001"}, "url"),
        ({"custom_fields": {"two words": 1}}, "custom_fields"),
        ({"custom_fields": {"xmlns": 1}}, "custom_fields"),
        ({"custom_fields": {"a": "\u0000"}}, "custom_fields"),
        ({"custom_fields": {"a": [[1]]}}, "custom_fields"),
        ({"custom_fields": {"a": "\ufffe"}}, "custom_fields"),
    ],
)
def test_what_xml_cannot_say_is_refused_before_it_is_planned(
    params: Params, field: str, speaks_xml: AltcraftProvider
) -> None:
    email = {"profile_id": "p-1", "channel": "email", "email": "john@example.com"}
    with pytest.raises(InvalidParams) as caught:
        SET.prepare({**email, **params}, speaks_xml)
    assert caught.value.field == field


@given(
    st.dictionaries(
        st.from_regex(re.compile(r"[a-w_][a-z_]{0,8}", re.ASCII), fullmatch=True),
        st.text(
            st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20
        ).filter(lambda text: text.strip() and "\ufffe" not in text and "\uffff" not in text),
        min_size=1,
    )
)
def test_what_is_written_is_read_back(fields: dict[str, str]) -> None:
    assert xml.read(xml.write(fields)) == fields
