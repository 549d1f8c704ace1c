"""`postern rules check`."""

from __future__ import annotations

from pathlib import Path

import click

from core.document import read_document
from gateway.callbacks import check_callback
from gateway.events.own_schemas import load_schemas
from gateway.ingress_settings import load_ingress
from gateway.rules.compare import compare
from gateway.rules.fields import unknown_fields
from gateway.rules.load import load_rules
from gateway.rules.plan import Rules
from gateway.rules.texts import longest_texts
from gateway.sources.load import check_sources
from gateway.spool_settings import load_spool
from vendors.load import check_top_level, load_journal, load_providers
from vendors.operation import TextFacts
from vendors.registry import VENDORS


@click.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="OLD",
    help="The configuration in force: tells which ids of actions change.",
)
@click.option(
    "--strict", is_flag=True, help="Exit with 1 if a rule looks at a field that no schema names."
)
@click.pass_context
def command(context: click.Context, file: Path, against: Path | None, strict: bool) -> None:
    """Tell whether a configuration is right, and if not, where and what was expected.

    Secrets are not read, so it can run where there are none. With --against, ids of actions that
    are gone or mean something else are named: an event that is sent again across the change would
    be carried out anew there. That is a warning; the exit code stays 0.

    For each text is told how it is encoded and how many segments it takes when it gets long: a
    field that nothing bounds counts as 30 characters.

    A field of `data` that a rule looks at and that no schema of its events names is probably
    mistyped: it is named, with a guess at what was meant.

    Example: postern rules check new.yaml --against postern.yaml
    """
    rules = load(file)
    steps = sum(len(rule.steps) for rule in rules.rules)
    print(f"{file}: right; {len(rules.rules)} rules, {steps} steps, version {rules.version}")
    for text in longest_texts(rules):
        print(f"{text.rule}, {text.step}: {facts_text(text.facts)} when it gets long")
        if text.is_long:
            print(
                f"warning: {text.rule}, {text.step}: more than {text.warned_above} segments; "
                "every segment is paid for"
            )
    document = read_document(file)
    unknown = list(unknown_fields(document, load_schemas(document)))
    for line in unknown:
        print(f"warning: {line}")
    if against is not None:
        load(against)
        for line in compare(read_document(against), document):
            print(f"warning: {line}")
    if unknown and strict:
        context.exit(1)


def facts_text(facts: TextFacts) -> str:
    unit = "segment" if facts.segments == 1 else "segments"
    return f"{facts.encoding}, {facts.length} units, {facts.segments} {unit}"


def load(file: Path) -> Rules:
    """The compiled rules of a configuration that is right in every section, without its secrets.

    Raises ConfigurationError.
    """
    document = read_document(file)
    check_top_level(document)
    check_sources(document, load_schemas(document))
    load_spool(document)
    load_ingress(document)
    providers = load_providers(document, VENDORS)
    for name, provider in providers.items():
        check_callback(document, name, provider)
    return load_rules(document, providers, VENDORS, load_journal(document).keep)
