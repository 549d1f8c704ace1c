"""The stage that schedules are played on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.stage import Stage, open_stage


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setenv("POSTERN_TEST_TOKEN", "a-token-for-tests")
    async with open_stage(tmp_path) as opened:
        yield opened
