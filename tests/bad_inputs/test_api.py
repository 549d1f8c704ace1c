"""What is read and changed over HTTP, by those who may not or with what makes no sense."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bad_inputs.postern import CONFIG, KEYS, SHOP, Answer, Header, Postern, running

ADA = "operator-key-of-ada-0123456789"
OPERATOR: Header = ("Authorization", f"Bearer {ADA}")
OTHER: Header = ("Authorization", f"Bearer {KEYS['OTHER_KEY']}")
NOT_FOUND = (404, "not-found")
REFUSED = (401, "unauthenticated")
INVALID = (400, "invalid-parameter")


@pytest.fixture(scope="module")
def postern(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postern]:
    folder = tmp_path_factory.mktemp("postern")
    with running(folder, CONFIG, POSTERN_OPERATOR_KEYS=f"ada:{ADA}") as it:
        yield it


def get(postern: Postern, path: str, *headers: Header) -> Answer:
    return postern.ask("GET", path, headers=headers)


@pytest.mark.bad_input(43)
def test_another_sources_event_is_as_unknown_as_one_that_never_was(postern: Postern) -> None:
    ref = postern.event().json["ref"]
    postern.record(ref)
    with postern.unmoved():
        theirs = get(postern, f"/v1/events/{ref}", OTHER)
        never = get(postern, f"/v1/events/{ref[:-1]}", OTHER)
        assert theirs.code == never.code == NOT_FOUND
        assert theirs.json["detail"] == never.json["detail"]
        found = get(postern, f"/v1/actions?ref={ref}", OTHER)
        assert (found.status, found.json["actions"]) == (200, [])


@pytest.mark.bad_input(43)
@pytest.mark.parametrize(
    "ref",
    [
        "..%2f..%2fetc%2fpasswd",
        "../../etc/passwd",
        "%2e%2e",
        "ev_%00",
        "ev_'%20OR%201=1--",
        "%ff%fe",
        "ev_" + "A" * 5_000,
        "ac_1",
        "*",
    ],
)
def test_a_reference_that_is_none_is_not_found(postern: Postern, ref: str) -> None:
    with postern.unmoved():
        answer = get(postern, f"/v1/events/{ref}", SHOP)
        assert answer.code == NOT_FOUND
        assert b"passwd" not in answer.body


@pytest.mark.bad_input(43)
@pytest.mark.parametrize(
    "query",
    [
        "limit=1000000000",
        "limit=1001",
        "limit=0",
        "limit=-1",
        "limit=1e3",
        "limit=%D9%A1",
        "limit=5&limit=6",
        "before=1%27%20OR%201",
        "before=" + "9" * 40,
        "state=lost",
        "state=",
        "source=other",
        "to=%00",
        "token=" + KEYS["SHOP_KEY"],
        "a=b",
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_instead_of_listing_everything(
    postern: Postern, query: str
) -> None:
    with postern.unmoved():
        answer = get(postern, f"/v1/actions?{query}", SHOP)
        assert answer.code == INVALID
        assert KEYS["SHOP_KEY"].encode() not in answer.body
        if not query.startswith("source"):
            assert get(postern, f"/v1/operator/actions?{query}", OPERATOR).code == INVALID


@pytest.mark.bad_input(43)
def test_a_key_counts_in_its_header_only(postern: Postern) -> None:
    key = KEYS["SHOP_KEY"]
    with postern.unmoved():
        for query in (f"token={key}", f"access_token={key}", f"authorization=Bearer%20{key}"):
            assert get(postern, f"/v1/actions?{query}").code == REFUSED
            assert postern.ask("POST", f"/v1/events?{query}", b"{}").code == REFUSED
        assert get(postern, "/v1/actions", ("Cookie", f"token={key}")).code == REFUSED
        assert get(postern, f"/v1/operator/status?token={ADA}").code == REFUSED
    assert key not in postern.told()
    assert ADA not in postern.told()


@pytest.mark.bad_input(43)
def test_a_sources_key_changes_nothing_and_an_operators_key_sends_nothing(
    postern: Postern,
) -> None:
    with postern.unmoved():
        for call in ("replay", "cancel", "pause", "resume"):
            path = f"/v1/operator/{call}"
            body = b'{"state": "parked", "preview": false}'
            wrong: list[list[Header]] = [[SHOP], [], [("Authorization", f"Bearer {ADA}x")]]
            for keys in wrong:
                assert postern.ask("POST", path, body, keys).code == REFUSED
        for call in ("status", "actions", "audit"):
            assert get(postern, f"/v1/operator/{call}", SHOP).code == REFUSED
        headers: list[Header] = [OPERATOR, ("Content-Type", "application/json")]
        assert postern.ask("POST", "/v1/events", b"{}", headers).code == REFUSED
        assert get(postern, "/v1/actions", OPERATOR).code == REFUSED
        told = get(postern, "/v1/operator/audit", OPERATOR)
        assert (told.status, told.json["audit"]) == (200, [])
