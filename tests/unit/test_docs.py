"""What the documents say is there, is there: commands, targets, settings, metrics, keys, links.

A document that names something is held to the code here, so that neither can change alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from ruamel.yaml import YAML

from cli.main import postern
from cli.metrics_page import described
from cli.metrics_page import page as metrics_page
from cli.providers_page import page
from cli.schemas_page import page as events_page
from core.document import Document, read_document
from core.journal.machine import MOVES
from core.journal.states import State
from core.settings import VARIABLES, secret_names
from gateway.events.own_schemas import load_schemas
from gateway.http.routes import ROUTES
from gateway.ingress_settings import IngressSettings
from gateway.rules.load import load_rules
from gateway.rules.model import RuleModel, StepModel
from gateway.sources.load import check_sources
from gateway.sources.model import KeyRef, SourceModel, VerifyModel
from gateway.sources.names import Preset, Scheme
from gateway.sources.presets.registry import PRESETS
from vendors.describing import parameters
from vendors.load import TOP_LEVEL, load_journal, load_providers
from vendors.provider import Provider, ReportingProvider
from vendors.registry import VENDORS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "examples").glob("*.md"),
    ]
)
TEST_VARIABLES = {"POSTERN_TEST_BROKER", "POSTERN_TEST_JOURNAL", "POSTERN_TEST_HELM"}

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(?<![\w./-])postern +([a-z][a-z-]*)([^\n`|;&]*)")
_TARGET = re.compile(r"(?:^|[`$\s])make ([a-z-]+)(?=[`\s]|$)", re.MULTILINE)
_VARIABLE = re.compile(r"POSTERN_[A-Z_]+")
_METRIC = re.compile(r"postern_[a-z_]+")
_LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
_ARROW = re.compile(r"^\s+(\w+) --> (\w+)", re.MULTILINE)


def read(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def code(document: Path) -> str:
    """What stands in fences and in back ticks, line by line."""
    text = read(document)
    inline = re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))
    return "\n".join([*(body for _, body in _FENCE.findall(text)), *inline])


def targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def named_commands(document: Path) -> Iterator[tuple[str, str]]:
    """Each command with its arguments, subcommands resolved: `rules check`, `--against OLD`."""
    for name, rest in _COMMAND.findall(code(document)):
        found = postern.commands.get(name)
        first, _, others = rest.strip().partition(" ")
        if isinstance(found, click.Group) and first:
            yield f"{name} {first}", others
        else:
            yield name, rest


def resolve(name: str) -> click.Command | None:
    first, _, second = name.partition(" ")
    found = postern.commands.get(first)
    if second:
        return found.commands.get(second) if isinstance(found, click.Group) else None
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_named_exists_with_its_options(document: Path) -> None:
    for name, rest in named_commands(document):
        command = resolve(name)
        assert command is not None, f"there is no command `postern {name}`"
        known = {option for part in command.params for option in part.opts} | {"--help"}
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", rest):
            assert option in known, f"`postern {name}` has no option {option}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_named_exists(document: Path) -> None:
    assert set(_TARGET.findall(code(document))) <= targets()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_variable_named_exists(document: Path) -> None:
    """Settings of ours, the tests' own, and names of secrets in the examples."""
    examples = secret_names(read_document(ROOT / "examples" / "postern.yaml").data)
    known = set(VARIABLES) | TEST_VARIABLES | examples | {"POSTERN_"}
    assert set(_VARIABLE.findall(read(document))) <= known


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_metric_named_exists(document: Path) -> None:
    known = {metric.name for metrics in described().values() for metric in metrics}
    assert set(_METRIC.findall(read(document))) <= known


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in _LINK.findall(read(document)):
        if not link.startswith(("http://", "https://")):
            assert (document.parent / link).exists(), link


def test_every_command_and_setting_stands_in_the_readme() -> None:
    """Somebody who reads the README knows all there is."""
    text = read(ROOT / "README.md")
    for name, command in postern.commands.items():
        names = [f"{name} {sub}" for sub in getattr(command, "commands", [])] or [name]
        for each in names:
            assert f"`postern {each}`" in text, each
    for variable in VARIABLES:
        assert f"`{variable}`" in text, variable


def every_command(group: click.Group) -> Iterator[click.Command]:
    for command in group.commands.values():
        yield command
        if isinstance(command, click.Group):
            yield from every_command(command)


@pytest.mark.parametrize(
    "command", list(every_command(postern)), ids=lambda command: str(command.callback.__module__)
)
def test_every_command_has_an_example_that_is_right(command: click.Command) -> None:
    """`--help` ends with a line one can copy."""
    assert command.help is not None
    example = command.help.strip().splitlines()[-1].strip()
    found = _COMMAND.search(example)
    assert example.startswith("Example: ")
    assert found is not None
    assert postern.commands[found[1]].name is not None


def configurations() -> Iterator[tuple[str, str]]:
    for document in DOCUMENTS:
        for language, body in _FENCE.findall(read(document)):
            if language == "yaml" and "providers:" in body and "rules:" in body:
                yield document.name, body


@pytest.mark.parametrize(("name", "body"), list(configurations()))
def test_every_configuration_shown_is_right(name: str, body: str, tmp_path: Path) -> None:
    """A reader who copies it gets a configuration that works."""
    file = tmp_path / name.replace(".md", ".yaml")
    file.write_text(body, encoding="utf-8")
    document = read_document(file)
    check_sources(document, load_schemas(document))
    load(document)


def load(document: Document) -> None:
    providers = load_providers(document, VENDORS)
    rules = load_rules(document, providers, VENDORS, load_journal(document).keep)
    assert rules.rules


def test_configurations_are_shown() -> None:
    """The test above would pass on documents without any."""
    assert {name for name, _ in configurations()} >= {"README.md", "rules.md"}


def test_the_providers_page_is_what_the_models_say() -> None:
    """`make docs` writes it."""
    assert read(ROOT / "docs" / "providers.md") == page()


def test_the_events_page_is_what_the_schemas_say() -> None:
    """`make docs` writes it."""
    assert read(ROOT / "docs" / "events.md") == events_page()


def test_the_metrics_page_is_what_the_code_tells() -> None:
    """`make docs` writes it."""
    assert read(ROOT / "docs" / "metrics.md") == metrics_page()


def test_the_providers_page_explains_every_setting_and_parameter() -> None:
    """A parameter without a meaning is one that nobody can use."""
    for vendor in VENDORS.values():
        for model in (vendor.provider, *(it.model for it in vendor.operations.values())):
            for each in parameters(model):
                assert each.meaning, f"{vendor.kind}: {model.__name__}.{each.name}"


def test_the_rules_page_names_every_key() -> None:
    """With the pages of sources and providers it says of itself that it is complete."""
    text = "".join(read(ROOT / "docs" / name) for name in ("rules.md", "sources.md"))
    keys = {*TOP_LEVEL, *Scheme, *Preset}
    for model in (SourceModel, VerifyModel, KeyRef, IngressSettings, RuleModel, StepModel):
        keys |= {field.alias or name for name, field in model.model_fields.items()}
    keys |= {*Provider.model_fields, *ReportingProvider.model_fields}
    missing = [key for key in sorted(keys) if not re.search(rf"\b{re.escape(key)}\b", text)]
    assert not missing


_DEFAULT = re.compile(r"^\| `(\w+)` \| `([^`]+)` \|", re.MULTILINE)
_REQUIRED = {"url": "https://example.com", "token": {"env": "X"}, "device_id": 1, "region": "DE"}


def test_the_defaults_on_the_rules_page_are_those_of_the_code() -> None:
    """A reader who leaves a key out gets what the page says."""
    shown = _DEFAULT.findall(read(ROOT / "docs" / "rules.md"))
    seen = set()
    for name, text in shown:
        for vendor in VENDORS.values():
            keys = vendor.provider.model_fields
            required = {key: value for key, value in _REQUIRED.items() if key in keys}
            if name in keys:
                seen.add(name)
                written = {name: YAML(typ="safe", pure=True).load(text)}
                told = vendor.provider.model_validate({**required, **written})
                assert getattr(told, name) == getattr(vendor.provider(**required), name), name
    assert seen == {name for name, _ in shown}
    assert {"timeout", "retry", "reconcile_lag", "concurrency", "mode", "only_to"} <= seen


def test_the_drawing_of_the_states_shows_every_move_and_no_other() -> None:
    """docs/operations.md draws exactly what the journal's state machine allows."""
    (drawing,) = [
        body
        for language, body in _FENCE.findall(read(ROOT / "docs" / "operations.md"))
        if language == "mermaid"
    ]
    states = {state.value for state in State}
    drawn = {move for move in _ARROW.findall(drawing) if set(move) <= states}
    allowed = {(source.value, to.value) for source, ends in MOVES.items() for to in ends}
    assert drawn == allowed


def test_ci_runs_what_contributors_run() -> None:
    """Both ways of checking are the same commands."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert set(re.findall(r"^make ([a-z-]+)", script, re.MULTILINE)) <= targets()
    assert "make check" in script
    assert "make test" in script
    assert "make chart-test" in script


@pytest.mark.parametrize(
    "name",
    [
        "requirements.txt",
        "requirements-otel.txt",
        "requirements-dev.txt",
        "bench/peers/requirements.txt",
    ],
)
def test_lock_files_name_no_address_and_hash_everything(name: str) -> None:
    """They work with any registry, and take nothing whose content was not seen when locking."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"--(extra-)?index-url|--find-links", text)
    pinned = re.findall(r"^[a-z0-9._-]+==", text, re.MULTILINE)
    assert len(re.findall(r"^[a-z0-9._-]+==[^\n]* \\\n +--hash=", text, re.MULTILINE)) == len(
        pinned
    )
    assert len(pinned) > 20


def test_the_readme_lists_every_route() -> None:
    """What the API has is there, and what is listed the API has."""
    rows = re.findall(r"^\| (`[A-Z]+ /.*?) \|", read(ROOT / "README.md"), re.MULTILINE)
    listed = set(re.findall(r"`([A-Z]+) (/[^` ]+)`", " ".join(rows)))
    assert listed == {(route.method, route.path) for route in ROUTES}


def test_the_sources_page_names_every_topic_that_has_a_business_event() -> None:
    """A topic that is mapped to an event without being told of would surprise a writer of rules."""
    text = read(ROOT / "docs" / "sources.md")
    for preset, kind in PRESETS.items():
        for topic in kind.topics:
            last = "/" + topic.rpartition("/")[2]
            assert f"`{topic}`" in text or f"`{last}`" in text, f"{preset}: {topic}"
