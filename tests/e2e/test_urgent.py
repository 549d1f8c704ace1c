"""Urgent texts go past a backlog of bulk ones; `make proof` has 100,000 of them and the times."""

from __future__ import annotations

import asyncio
import sys

import pytest

from tests.stack import Stack
from tests.urgent_proof import campaign, run


@pytest.mark.timeout(400)
def test_urgent_texts_arrive_while_the_backlog_of_bulk_ones_still_stands() -> None:
    with Stack(configuration=campaign) as stack:
        result = asyncio.run(run(stack, bulk=5000, urgent=10))
    sys.stdout.write(f"\n{result.summary()}\n")
    assert len(result.loaded) == 10
    assert result.left > 0, "all of them were sent before the backlog was"
