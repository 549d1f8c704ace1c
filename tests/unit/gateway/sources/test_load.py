"""Sources out of the configuration: names, secrets, and what each may send."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.document import Document, read_document
from core.errors import ConfigurationError, InvalidEvent, NotAllowed, NotFound, Unauthenticated
from core.messages import Event
from gateway.events.own_schemas import load_schemas
from gateway.sources.load import Sources, check_sources, load_sources, secret_files
from gateway.sources.model import SourceModel

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SHOP_KEY = "shop-key-of-more-than-24-bytes"
OLD_KEY = "old-shop-key-of-more-than-24-bytes"
HOOK = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

TEXT = """
sources:
  shop:
    verify: {scheme: bearer, secrets: [{env: SHOP}, {file: %s}]}
    events: ["order.*", user.signed_up]
  storefront:
    verify: {scheme: standard-webhooks, secrets: [{env: HOOK}]}
    events: "order.*"
    max_body: 2048
"""


def load(written: Document) -> Sources:
    return load_sources(written, load_schemas(written))


def check(written: Document) -> dict[str, SourceModel]:
    return check_sources(written, load_schemas(written))


def document(tmp_path: Path, text: str) -> Document:
    file = tmp_path / "sources.yaml"
    file.write_text(text, encoding="utf-8")
    return read_document(file)


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sources:
    old = tmp_path / "old"
    old.write_text(OLD_KEY + "\n")
    monkeypatch.setenv("SHOP", SHOP_KEY)
    monkeypatch.setenv("HOOK", HOOK)
    return load(document(tmp_path, TEXT % old))


@pytest.mark.parametrize("key", [SHOP_KEY, OLD_KEY])
def test_every_active_key_is_the_source(sources: Sources, key: str) -> None:
    source = sources.by_bearer(f"Bearer {key}", NOW)[0]
    assert (source.name, source.max_body) == ("shop", 256 * 1024)


def test_a_webhook_secret_is_no_bearer_key(sources: Sources) -> None:
    with pytest.raises(Unauthenticated):
        sources.by_bearer(f"Bearer {HOOK}", NOW)


def test_only_signing_sources_have_a_path(sources: Sources) -> None:
    assert sources.by_name("storefront").max_body == 2048
    answers = set()
    for name in ("shop", "nobody", ""):
        with pytest.raises(NotFound) as caught:
            sources.by_name(name)
        answers.add(caught.value.detail)
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("event_type", "allowed"),
    [("order.placed", True), ("user.signed_up", True), ("user.deleted", False), ("ORDER.x", False)],
)
def test_a_source_sends_only_its_types(sources: Sources, event_type: str, allowed: bool) -> None:
    source = sources.by_bearer(f"Bearer {SHOP_KEY}", NOW)[0]
    event = Event(
        source="shop", id="1", type=event_type, received_at=datetime(2026, 11, 22, tzinfo=UTC)
    )
    if allowed:
        source.check_allowed(event)
        return
    with pytest.raises(NotAllowed) as caught:
        source.check_allowed(event)
    assert caught.value.code == "event-type-not-allowed"


def test_checking_needs_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP", raising=False)
    assert set(check(document(tmp_path, TEXT % "/nowhere"))) == {"shop", "storefront"}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "environment variable SHOP is missing or empty"),
        ("weak-key", "shorter than 24 bytes"),
        ("with a space in it, 24 bytes", "printable ASCII"),
        ("ünicode-key-of-more-than-24-bytes", "printable ASCII"),
    ],
)
def test_a_bad_secret_is_refused_with_its_place_and_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, problem: str
) -> None:
    monkeypatch.setenv("SHOP", value)
    with pytest.raises(ConfigurationError) as caught:
        load(document(tmp_path, TEXT % "/nowhere"))
    assert caught.value.field == "sources.shop.verify.secrets[0]"
    assert caught.value.line == 4
    assert problem in caught.value.problem
    assert not value or value not in str(caught.value)


def test_one_key_for_two_sources_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP", SHOP_KEY)
    source = "{verify: {scheme: bearer, secrets: [{env: SHOP}]}, events: '*'}"
    with pytest.raises(ConfigurationError, match="another source has this secret"):
        load(document(tmp_path, f"sources:\n  a: {source}\n  b: {source}\n"))


@pytest.mark.parametrize(
    ("text", "field", "problem"),
    [
        ("{scheme: bearer, secrets: []}", "sources.shop.verify.secrets", "at least 1"),
        ("{scheme: none, secrets: [{env: A}]}", "sources.shop.verify.scheme", "'bearer'"),
        ("{scheme: bearer, secret: {env: A}}", "sources.shop.verify.secret", "mean secrets?"),
        ("{scheme: bearer, secrets: [abc]}", "sources.shop.verify.secrets[0]", "expected"),
        (
            "{scheme: bearer, secrets: [{env: A, file: B}]}",
            "sources.shop.verify.secrets[0]",
            "expected {env: NAME} or {file: PATH}",
        ),
    ],
)
def test_a_source_that_is_written_wrongly_is_refused(
    tmp_path: Path, text: str, field: str, problem: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check(document(tmp_path, f"sources:\n  shop: {{verify: {text}, events: [x]}}\n"))
    assert caught.value.field == field
    assert problem in caught.value.problem


def test_a_name_that_could_not_be_a_path_or_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="names are"):
        check(document(tmp_path, "sources:\n  Shop/1: {}\n"))


STRICT = """
sources:
  shop:
    verify: {scheme: bearer, secrets: [{env: SHOP}]}
    schema: strict
    events:
      - "order.*"
      - %s
"""


@pytest.mark.usefixtures("sources")
def test_a_strict_source_holds_its_events_against_the_schemas(tmp_path: Path) -> None:
    (source,) = load(document(tmp_path, STRICT % "user.signed_up"))
    event = Event(source="shop", id="1", type="order.placed", received_at=NOW, data={"total": []})
    with pytest.raises(InvalidEvent) as caught:
        source.check_data(event)
    assert (caught.value.code, caught.value.field) == ("schema", "data.total")


def test_any_other_source_takes_what_comes(sources: Sources) -> None:
    event = Event(source="shop", id="1", type="order.placed", received_at=NOW, data={"total": []})
    for source in sources:
        source.check_data(event)


def test_a_strict_source_cannot_name_a_type_that_nobody_describes(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check(document(tmp_path, STRICT % "user.singed_up"))
    assert (caught.value.line, caught.value.field) == (8, "sources.shop.events[1]")
    assert "no schema of user.singed_up" in caught.value.problem


def test_another_word_for_schema_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check(document(tmp_path, (STRICT % "order.x").replace("strict", "closed")))
    assert caught.value.field == "sources.shop.schema"


def test_the_files_of_secrets_are_known_without_being_read(tmp_path: Path) -> None:
    old = tmp_path / "not-there"
    assert secret_files(document(tmp_path, TEXT % old)) == {old}
