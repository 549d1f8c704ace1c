"""A bearer key says which source it is, and every other header is refused with one text."""

from __future__ import annotations

import pytest

from core.configuration import Secret
from core.errors import Unauthenticated
from gateway.sources.schemes.bearer import find_owner, key_hash

KEYS = [
    (key_hash(Secret("k" * 24 + "-old")), "shop"),
    (key_hash(Secret("k" * 24 + "-new")), "shop"),
    (key_hash(Secret("another-key-of-24-bytes!!")), "hub"),
]


@pytest.mark.parametrize(
    ("header", "owner"),
    [
        ("Bearer " + "k" * 24 + "-old", "shop"),
        ("bearer " + "k" * 24 + "-new", "shop"),
        ("BEARER   another-key-of-24-bytes!!", "hub"),
    ],
)
def test_every_active_key_leads_to_its_source(header: str, owner: str) -> None:
    assert find_owner(header, KEYS) == owner


@pytest.mark.parametrize(
    ("header", "cause"),
    [
        (None, "missing"),
        ("", "malformed"),
        ("Bearer", "malformed"),
        ("Bearer ", "malformed"),
        ("Basic " + "k" * 24 + "-old", "malformed"),
        ("Bearer " + "k" * 24 + "-old x", "malformed"),
        ("Bearer " + "k" * 24 + "-old\n", "malformed"),
        ("Bearer \udcff\u00e9", "malformed"),
        ("Bearer " + "k" * 5000, "malformed"),
        ("Bearer " + "k" * 24, "unknown-key"),
        ("Bearer " + key_hash(Secret("k" * 24 + "-old")).hex(), "unknown-key"),
    ],
)
def test_anything_else_is_refused_with_one_text(header: str | None, cause: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        find_owner(header, KEYS)
    assert caught.value.cause == cause
    assert caught.value.detail == "The request could not be authenticated."
