"""What others say of the objects that the chart makes: Kubernetes, and the projects whose kinds it
uses.

Kubernetes' own schemas come with `kubernetes-validate`, the others with the npm packages of this
folder (`scripts/setup-npm`), which are read by `check.mjs`. What must not go in: any expectation.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from kubernetes_validate import utils

Object = dict[str, Any]

FOLDER = Path(__file__).parent
OTHERS = {
    "external-secrets.io",
    "gateway.networking.k8s.io",
    "keda.sh",
    "monitoring.coreos.com",
}
"""API groups of other projects."""

# A definition of a megabyte would be read for each object.
utils.schema_contents = lru_cache(maxsize=256)(utils.schema_contents)


class NotSetUp(Exception):
    """A program or a package that this needs is not there."""


def newest() -> str:
    """The newest Kubernetes that there are schemas of."""
    return str(utils.latest_version())


def is_of_kubernetes(it: Object) -> bool:
    return it["apiVersion"].split("/")[0] not in OTHERS


def kubernetes_problem(it: Object, version: str) -> str | None:
    """What a cluster of this version would say, fields that it does not know included."""
    try:
        utils.validate(it, version, strict=True)
    except utils.ValidationError as error:
        return f"{'.'.join(map(str, error.path))}: {error.message[:300]}"
    except utils.SchemaNotFoundError as error:
        return str(error.message)
    return None


def other_problems(objects: Sequence[Object]) -> list[list[str]]:
    """The same of the other projects, for each object. It takes some seconds however many there
    are."""
    node = shutil.which("node")
    if node is None or not (FOLDER / "node_modules" / ".stamp").exists():
        raise NotSetUp("run scripts/setup-npm tests/chart/schemas, or the tests with `make`")
    done = subprocess.run(
        [node, FOLDER / "check.mjs"],
        input=orjson.dumps(list(objects)),
        capture_output=True,
        timeout=100,
        check=False,
    )
    if done.returncode != 0:
        raise NotSetUp(done.stderr.decode()[-2000:])
    found: list[list[str]] = orjson.loads(done.stdout)
    return found
