"""What people read when something is wrong: one line on standard error, and never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Postern

CONFIGURATION = Path(__file__).resolve().parents[3] / "examples" / "postern.yaml"


def one_line(text: str) -> str:
    assert text.count("\n") == 1, text
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize(
    ("environment", "arguments", "said"),
    [
        ({"POSTERN_LISTEN": "here"}, ["run"], "POSTERN_LISTEN: expected HOST:PORT"),
        ({"POSTERN_JORNAL": "x"}, ["actions"], "POSTERN_JORNAL: there is no such setting; did you"),
        ({"POSTERN_BROKER": "kafka://x"}, ["books"], "POSTERN_BROKER: expected embedded:PATH"),
        ({}, ["run"], "postern.yaml"),
        ({}, ["run", "--config", str(CONFIGURATION)], "is missing or empty"),
        ({}, ["gateway", "--config", str(CONFIGURATION)], "use `postern run`"),
        ({}, ["consumers", "--config", str(CONFIGURATION)], "use `postern run`"),
        ({}, ["consumers", "--roles", "cook"], "expected some of worker"),
        ({}, ["sandbox", "--listen", "here"], "listen: expected HOST:PORT"),
        ({}, ["rules", "check", "nowhere.yaml"], "nowhere.yaml"),
        ({}, ["rules", "test", "empty.yaml"], "there are no fixtures: no empty.test.yaml"),
        ({}, ["send", "empty.yaml", "--key-env", "NO_SUCH"], "variable NO_SUCH is missing"),
    ],
)
def test_a_wrong_configuration_stops_with_one_readable_line(
    postern: Postern, environment: dict[str, str], arguments: list[str], said: str
) -> None:
    """Exit 2, and the line names the setting or the file."""
    Path("empty.yaml").write_text("rules: []\n")
    done = postern(*arguments, **environment)
    assert done.code == 2, done
    assert said in one_line(done.err)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (
            "rules:\n  - id: a\n    on: x\n    wenn: y\n    do: []\n",
            ":4: rules[0].wenn: unknown key",
        ),
        ("sources: {s: {verify: {scheme: x}}}\n", ":1: sources.s"),
        ("rules: []\nrules: []\n", ":2"),
        ("providers:\n  p: {kind: pigeon}\n", ":2: providers.p.kind: expected one of"),
    ],
)
def test_a_broken_file_is_told_with_file_line_and_field(
    postern: Postern, broken: str, said: str
) -> None:
    Path("broken.yaml").write_text(broken)
    done = postern("rules", "check", "broken.yaml")
    assert done.code == 2
    assert f"broken.yaml{said}" in one_line(done.err)


def test_a_journal_that_is_not_there_is_not_made(postern: Postern) -> None:
    """A wrong directory would otherwise look like "nothing happened"."""
    done = postern("actions", "--data", "nowhere")
    assert done.code == 1
    assert "there is none at nowhere/journal.db" in one_line(done.err)
    assert not Path("nowhere").exists()


def test_an_unknown_event_and_a_wrong_reference_are_told_apart(postern: Postern) -> None:
    assert postern("migrate", "--data", "d").code == 0
    wrong = postern("show", "o-1001", "--data", "d")
    assert "begins with ev_" in one_line(wrong.err)
    unknown = postern("show", "ev_x", "--data", "d")
    assert "the journal has no event ev_x" in one_line(unknown.err)
    assert {wrong.code, unknown.code} == {1}


def test_wrong_usage_says_how_it_is_meant(postern: Postern) -> None:
    """Click's own words: the usage, the problem, exit 2."""
    Path("e.json").write_text("{}")
    for arguments in (["nonsense"], ["send", "e.json"], ["send", "e.json", "--secret-env", "S"]):
        done = postern(*arguments)
        assert done.code == 2
        assert "Usage: " in done.err


def test_migrating_twice_says_so(postern: Postern) -> None:
    assert "before: none" in postern("migrate", "--data", "d").out
    assert "up to date" in postern("migrate", "--data", "d").out


def test_what_should_not_happen_shows_no_values_and_no_traceback(
    postern: Postern, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours is told with its type and place; its text may hold somebody's number."""

    def fail(*_: object) -> None:
        raise KeyError("+4915123456789")

    monkeypatch.setattr("cli.rules_check.load", fail)
    done = postern("rules", "check", "x.yaml")
    assert done.code == 1
    assert "this should not have happened (KeyError)" in done.err
    assert "cli/rules_check.py" in done.err
    assert "4915123456789" not in done.err
    assert "Traceback" not in done.err
