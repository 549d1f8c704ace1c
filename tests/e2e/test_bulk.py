"""A campaign in the bulk lane: few calls, no text lost, none twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bulk import campaign
from tests.e2e.whole import KEYS

TEXTS = 1500


async def test_a_campaign_shares_calls_and_survives_dropped_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    done = await campaign(tmp_path, texts=TEXTS, gather=25, seed=1)
    with capsys.disabled():
        print(f"\n{done}")  # noqa: T201 - the figures are what this is about
    assert done.is_well, done
    assert done.faults > 0, "no connection was dropped"
    assert sum(done.requests.values()) < TEXTS
