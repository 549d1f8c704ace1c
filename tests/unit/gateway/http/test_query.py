"""The filters of the list of actions are strict, and never reach beyond the source that asks."""

from __future__ import annotations

import pytest
from multidict import MultiDict

from core.errors import InvalidParameter
from core.journal.port import ActionFilter
from core.journal.states import State
from gateway.http.query import parse_filter


def test_without_parameters_the_sources_own_newest_are_listed() -> None:
    assert parse_filter(MultiDict(), source="shop") == ActionFilter(source="shop", limit=100)


def test_every_filter_is_taken() -> None:
    query = MultiDict(
        {
            "to": "+4915112345678",
            "state": "parked",
            "provider": "sms",
            "rule": "welcome",
            "ref": "ev_x",
            "limit": "5",
            "before": "1795341600000001.ac_9Xk",
        }
    )
    assert parse_filter(query, source="shop") == ActionFilter(
        source="shop",
        to="+4915112345678",
        state=State.PARKED,
        provider="sms",
        rule="welcome",
        ref="ev_x",
        limit=5,
        before="1795341600000001.ac_9Xk",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", "tell-tale"),
        ("state", "PARKED"),
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "999999999999"),
        ("limit", "-1"),
        ("limit", "1e2"),
        ("limit", "\u0661"),
        ("limit", ""),
        ("to", ""),
        ("to", "x" * 201),
        ("rule", "a\x00b"),
        ("ref", "\ud800"),
        ("before", "tell-tale"),
        ("before", "1.2.3'--"),
        ("source", "other"),
        ("token", "tell-tale"),
    ],
)
def test_anything_else_is_refused_without_repeating_it(name: str, value: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        parse_filter(MultiDict({name: value}), source="shop")
    assert "tell-tale" not in caught.value.detail


def test_a_filter_given_twice_is_refused_because_nobody_knows_which_was_meant() -> None:
    query = MultiDict([("state", "done"), ("state", "parked")])
    with pytest.raises(InvalidParameter, match="state: expected once"):
        parse_filter(query, source="shop")
