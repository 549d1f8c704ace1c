"""The chart's files agree with each other and with the project."""

from __future__ import annotations

import runpy
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from cli.rules_check import load
from tests.chart.rendering import CHART, CI, REFUSED, ROOT, Helm, Rendered, load_yaml

VALUES = (CHART / "values.yaml").read_text(encoding="utf-8")
SCHEMA = orjson.loads((CHART / "values.schema.json").read_bytes())


def test_the_chart_is_for_the_version_of_the_project() -> None:
    (about,) = load_yaml((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert about["appVersion"] == project["version"]
    assert about["kubeVersion"] == ">=1.30.0-0"


def test_the_readme_is_what_the_values_say() -> None:
    """`make docs` writes it; a value without a comment fails here."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "chart-readme"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == (CHART / "README.md").read_text(encoding="utf-8")


def test_a_value_without_a_comment_is_refused() -> None:
    table = runpy.run_path(str(ROOT / "scripts" / "chart-readme"))["table"]
    with pytest.raises(SystemExit, match=r"image\.tag has no comment"):
        table("image:\n  # -- Where it is.\n  repository: a\n  tag: b\n")


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema behind a reference into `$defs`."""
    while "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return schema


def unknown(schema: dict[str, Any], value: Any, path: str = "") -> Iterator[str]:
    """The keys of values that no schema names."""
    schema = resolved(schema)
    if not isinstance(value, dict) or "properties" not in schema:
        return
    for key, part in value.items():
        if key not in schema["properties"]:
            yield f"{path}{key}"
        else:
            yield from unknown(schema["properties"][key], part, f"{path}{key}.")


def test_every_value_has_a_schema_and_the_schema_nothing_else() -> None:
    (values,) = load_yaml(VALUES)
    assert list(unknown(SCHEMA, values)) == []
    assert SCHEMA["properties"].keys() - values.keys() == {"global"}


def objects(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of an object with keys of ours."""
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("type") == "object":
            yield path, schema
        for key, part in schema.items():
            yield from objects(part, f"{path}/{key}")


def test_unknown_keys_are_refused_everywhere() -> None:
    found = dict(objects(SCHEMA))
    assert len(found) > 25
    assert [
        path for path, each in found.items() if each.get("additionalProperties") is not False
    ] == []


def test_the_chart_can_be_a_part_of_another(helm: Helm, tmp_path: Path) -> None:
    """Helm hands `global` to every part, whether it wants it or not."""
    values = tmp_path / "global.yaml"
    values.write_text("global: {anything: 1}\n", encoding="utf-8")
    assert helm.render(CHART / "ci" / "default-values.yaml", values).objects


def test_every_file_of_ci_says_what_it_shows() -> None:
    assert len(CI) >= 14
    assert all(file.read_text(encoding="utf-8").startswith("# ") for file in CI)
    assert len(REFUSED) > 30


def test_every_configuration_of_the_examples_is_one_that_postern_takes(
    rendered: Rendered, tmp_path: Path
) -> None:
    """As it comes out of Helm: `on` is still a key, and NO still a country."""
    maps = [each for each in rendered.kind("ConfigMap") if "postern.yaml" in each["data"]]
    assert maps or rendered.name == "existing-configmap"
    for each in maps:
        folder = tmp_path / each["metadata"]["name"]
        folder.mkdir()
        for name, text in each["data"].items():
            (folder / name).write_text(text, encoding="utf-8")
        assert load(folder).rules


def test_the_file_that_was_checked_is_the_file_that_runs(helm: Helm, tmp_path: Path) -> None:
    """With `--set-file`: not a byte of it is read and written anew on the way."""
    file = ROOT / "examples" / "postern.yaml"
    done = helm.run(
        *("template", "shop", CHART, "--kube-version", "1.30.0", "--set-file", f"config={file}"),
        *("--set", "secrets.existingSecret=postern"),
    )
    assert done.returncode == 0, done.stderr
    (own,) = [
        each
        for each in load_yaml(done.stdout)
        if each["kind"] == "ConfigMap" and each["metadata"]["name"] == "shop-postern"
    ]
    assert own["data"]["postern.yaml"].rstrip() == file.read_text(encoding="utf-8").rstrip()
