"""What a person reads when a command fails."""

from __future__ import annotations

from cli.failure import explain
from core.errors import BrokerUnavailable, ConfigurationError, JournalUnavailable, PosternError


def test_a_wrong_configuration_names_its_place_and_exits_with_two() -> None:
    """File, line, field and what was expected stand in one line."""
    failure = explain(
        ConfigurationError(
            "expected one of: altcraft", file="a.yaml", line=7, field="providers.x.kind"
        )
    )
    assert failure.exit_code == 2
    assert failure.message == (
        "wrong configuration: a.yaml:7: providers.x.kind: expected one of: altcraft"
    )


def test_the_servers_being_away_exits_with_one() -> None:
    assert explain(BrokerUnavailable("refused")).message == "broker: refused"
    assert explain(JournalUnavailable("no answer")).message == "journal: no answer"
    assert {explain(error).exit_code for error in (BrokerUnavailable(), JournalUnavailable())} == {
        1
    }


def test_the_error_of_ours_is_found_in_nested_groups() -> None:
    """A task group wraps what its tasks raised; a person wants the cause."""
    inner = ExceptionGroup("inner", [ValueError("x"), ConfigurationError("wrong", field="f")])
    assert explain(ExceptionGroup("outer", [OSError(1, "no"), inner])).exit_code == 2


def test_an_operating_system_error_names_the_file() -> None:
    failure = explain(PermissionError(13, "Permission denied", "/etc/x"))
    assert failure.message == "/etc/x: Permission denied"
    assert failure.expected


def test_a_fault_of_ours_is_told_apart_and_shows_no_values() -> None:
    """The text of a foreign error may hold personal data, so only its type is told."""
    failure = explain(KeyError("+4915123456789"))
    assert not failure.expected
    assert "4915" not in failure.message


def test_any_other_error_of_ours_says_its_own_text() -> None:
    assert (
        explain(PosternError("the journal has no event x")).message == "the journal has no event x"
    )
