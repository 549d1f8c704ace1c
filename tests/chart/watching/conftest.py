"""Programs that these tests run. What is not installed is a failure, never a skip."""

from __future__ import annotations

import shutil

import pytest


@pytest.fixture(scope="session")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.fail("promtool is not installed: scripts/system-packages prometheus")
    return found
