"""Whatever bytes come, each edge takes them or refuses in our own words: the fuzzers, for a bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.__main__ import fuzz
from tests.fuzz.seeds import SEEDS

SECONDS = 20


@pytest.mark.parametrize("target", SEEDS)
def test_no_input_makes_an_edge_fail(target: str, tmp_path: Path) -> None:
    run = fuzz(target, tmp_path, seconds=SECONDS)
    assert run.problem is None, run.problem
    assert run.inputs > 100
    assert run.branches > 20
