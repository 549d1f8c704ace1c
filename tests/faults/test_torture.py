"""A minute of everything at once; `make torture` goes on for as long as one likes."""

from __future__ import annotations

import asyncio
import sys

import pytest

from tests.torture.__main__ import run
from tests.torture.rig import Rig

SEED = 20261122


@pytest.mark.timeout(900)
def test_a_minute_of_random_faults_loses_nothing_and_sends_nothing_twice() -> None:
    with Rig() as rig:
        result = asyncio.run(run(rig, seconds=60, seed=SEED, rate=30))
    sys.stdout.write(f"\n{result.summary()}\n")
    assert result.verdict.holds, result.summary()
    assert result.verdict.events > 300
