"""One provider is down and the other one's actions go on; `make proof` has ten minutes of it."""

from __future__ import annotations

import asyncio
import sys

import pytest

from tests.outage_proof import Shop, run


@pytest.mark.fault(23)
@pytest.mark.timeout(400)
def test_a_provider_that_is_down_costs_the_others_nothing_and_is_hardly_called() -> None:
    with Shop() as rig:
        result = asyncio.run(run(rig, rate=20, before=3, down=15))
    sys.stdout.write(f"\n{result.summary()}\n")
    assert result.holds, result.summary()
    assert result.backlog > 100
    assert result.calls < result.backlog / 4, "consumption was paused"
    assert len(result.during) > 100, "the other provider's actions went on"
