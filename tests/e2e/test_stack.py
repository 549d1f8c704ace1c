"""The distributed form as separate processes: what `make stack` starts, under load and kill -9."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Iterator

import pytest

from tests.chaos import run
from tests.stack import Stack, fast


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(configuration=fast) as started:
        yield started


def test_every_part_answers_probes_and_metrics(stack: Stack) -> None:
    for part in stack.parts[1:]:
        for path in ("livez", "readyz"):
            with urllib.request.urlopen(f"{stack.admin(part)}/{path}") as answer:
                assert answer.status == 200
        with urllib.request.urlopen(f"{stack.admin(part)}/metrics") as answer:
            assert b"postern_" in answer.read()


@pytest.mark.timeout(420)
@pytest.mark.fault(2)
@pytest.mark.fault(15)
def test_nothing_is_lost_or_doubled_while_processes_are_killed(stack: Stack) -> None:
    """A consumer and the gateway are killed with -9, the broker is restarted, under load."""
    result = asyncio.run(run(stack, 600))
    assert result.proof.lost_texts == ()
    assert result.proof.texts_twice == ()
    assert result.proof.lost_updates == ()
    assert result.proof.planned == 1200
    assert result.books_exit == 0, result.summary()
    assert set(result.books["states"]) <= {"done"}, result.summary()
