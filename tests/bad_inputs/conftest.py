"""One process for all tests that have none of their own: each leaves it as it found it, and says
so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bad_inputs.postern import Postern, running


@pytest.fixture(scope="package")
def postern(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postern]:
    with running(tmp_path_factory.mktemp("postern")) as it:
        yield it
