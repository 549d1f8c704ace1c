"""A configuration that is wrong is refused with file, line and field, and never repeats a value."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.document import read_document
from core.errors import ConfigurationError
from gateway.events.own_schemas import load_schemas
from gateway.rules.load import load_rules
from gateway.sources.load import check_sources
from vendors.load import load_journal, load_providers
from vendors.registry import VENDORS

BROKEN = Path(__file__).parent / "broken"

EXPECTED = [
    ("duplicate-key", 7, "rules[0].on", "line 6 already"),
    ("unknown-key", 7, "rules[0].wehn", "did you mean when?"),
    ("unknown-top-level", 4, "rule", "did you mean rules?"),
    ("anchor", 9, "rules[0].do[0].with", "anchors"),
    ("tag", 5, "rules[0].id", "tags"),
    ("unquoted-phone", 10, "rules[0].do[0].with.to", "in quotes"),
    ("wrong-type", 10, "rules[0].do[0].expires", "expected a duration"),
    ("missing-key", 5, "rules[0].on", "required"),
    ("unknown-provider", 8, "rules[0].do[0].call", "configured: altcraft, sms"),
    ("unknown-call", 8, "rules[0].do[0].call", "did you mean sms.send?"),
    ("unknown-parameter", 11, "rules[0].do[0].with.txt", "did you mean text?"),
    ("missing-parameter", 9, "rules[0].do[0].with.to", "required"),
    ("bad-constant", 13, "rules[0].do[0].with.priority", "expected a valid integer"),
    ("bad-number", 10, "rules[0].do[0].with.to", "not a mobile number"),
    ("bad-cel", 7, "rules[0].when", "not CEL at character 13"),
    ("bad-cel-value", 11, "rules[0].do[0].with.text", "undeclared reference to 'dta.text'"),
    ("not-boolean", 7, "rules[0].when", "true or false"),
    ("map-macro", 7, "rules[0].when", "map() takes quadratic time"),
    ("filter-macro", 11, "rules[0].do[0].with.text", "filter() takes quadratic time"),
    ("bad-liquid", 11, "rules[0].do[0].with.text", "not Liquid"),
    ("unknown-filter", 9, "rules[0].do[0].with.text", "unknown filter shout"),
    ("both-languages", 9, "rules[0].do[0].with.text", "in one text"),
    ("same-rule-id", 8, "rules[1].id", "rules[0] has this id"),
    ("same-step-id", 9, "rules[0].do[1].id", "another step"),
    ("http-url", 4, "providers.sms.url", "use https"),
    ("metadata-address", 4, "providers.sms.url", "allow_hosts"),
    ("secret-in-the-file", 4, "providers.sms.token", "expected"),
    ("unknown-kind", 3, "providers.sms.kind", "altcraft, smsgateway24"),
    ("two-documents", 4, None, "second"),
    ("not-yaml", 5, "rules", "not YAML"),
]


def check(path: Path) -> None:
    """What `postern rules check` reads, in its order."""
    document = read_document(path)
    check_sources(document, load_schemas(document))
    providers = load_providers(document, VENDORS)
    load_rules(document, providers, VENDORS, load_journal(document).keep)


@pytest.mark.parametrize(("name", "line", "field", "text"), EXPECTED, ids=[e[0] for e in EXPECTED])
def test_a_broken_file_is_refused_with_file_line_and_field(
    name: str, line: int, field: str | None, text: str
) -> None:
    path = BROKEN / f"{name}.yaml"
    with pytest.raises(ConfigurationError) as caught:
        check(path)
    assert (caught.value.file, caught.value.line, caught.value.field) == (str(path), line, field)
    assert text in str(caught.value)
    assert str(caught.value).startswith(f"{path}:{line}: ")


def test_every_broken_file_has_an_expectation() -> None:
    assert {path.stem for path in BROKEN.iterdir()} == {name for name, *_ in EXPECTED}


def test_a_secret_written_into_the_file_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as caught:
        check(BROKEN / "secret-in-the-file.yaml")
    assert "very-secret" not in str(caught.value)
