"""Helm, and the chart as it renders with each values file of `charts/postern/ci`.

`POSTERN_TEST_HELM` names the helm to use; otherwise it is the one that `scripts/setup-helm` puts
into `.tools`. Without one these tests fail: a chart that nobody rendered is not tested.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chart.rendering import CI, ROOT, Helm, Rendered


@pytest.fixture(scope="session")
def helm() -> Helm:
    named = os.environ.get("POSTERN_TEST_HELM")
    program = Path(named) if named else ROOT / ".tools" / "bin" / "helm3"
    if not os.access(program, os.X_OK):
        pytest.fail(
            f"there is no helm at {program}: run `scripts/setup-helm 3`, or name one in "
            "POSTERN_TEST_HELM"
        )
    return Helm(program.absolute())


@pytest.fixture(scope="session", params=CI, ids=lambda file: file.name.removesuffix("-values.yaml"))
def rendered(request: pytest.FixtureRequest, helm: Helm) -> Rendered:
    """One values file of `ci/` after the other."""
    return helm.render(request.param)
