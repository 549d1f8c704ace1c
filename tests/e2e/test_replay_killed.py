"""Doing parked actions again, in the distributed form, while processes are killed."""

from __future__ import annotations

import asyncio

import pytest

from tests.replay_proof import failing, run
from tests.stack import Stack


@pytest.mark.timeout(420)
@pytest.mark.fault(33)
def test_every_parked_action_is_carried_out_once_though_the_replay_is_killed_twice() -> None:
    """The command is killed with -9 after its first slice, run again, killed again, and a consumer
    too; run once more, it does the rest."""
    with Stack(configuration=failing) as stack:
        result = asyncio.run(run(stack, 300, rate=100, share=0))
    assert result.proof.lost_texts == ()
    assert result.proof.texts_twice == ()
    assert result.proof.lost_updates == ()
    assert result.states == {"done": 300}, result.summary()
    assert result.books_exit == 0
    assert sum(result.runs.counts) == 300, result.summary()
    assert result.runs.codes == [-9, -9, 0], result.summary()
