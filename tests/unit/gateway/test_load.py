"""A configuration as the gateway runs with it, and the files that it was read from."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.watch import signature_of_files
from gateway.load import load_configuration

CONFIG = """
schemas: own
sources:
  shop:
    verify: {{scheme: bearer, secrets: [{{file: {0}/shop}}, {{env: SHOP}}]}}
    events: ["*"]
providers:
  sms:
    kind: smsgateway24
    token: {{env: NOT_READ}}
    device_id: 1
    region: DE
    callback: {{secrets: [{{file: {0}/callback}}], source: shop}}
"""


def test_the_files_beside_the_configuration_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets and schemas; the tokens of providers are none of the gateway's."""
    monkeypatch.setenv("SHOP", "shop-key-0123456789-0123456789")
    (tmp_path / "own").mkdir()
    for name in ("shop", "callback"):
        (tmp_path / name).write_text(f"{name}-of-0123456789-0123456789")
    file = tmp_path / "postern.yaml"
    file.write_text(CONFIG.format(tmp_path))
    loaded = load_configuration(file)
    assert loaded.watched == (tmp_path / "callback", tmp_path / "shop", tmp_path / "own")
    assert loaded.seen == signature_of_files(loaded.watched)


def test_each_change_of_such_a_file_is_another_state(tmp_path: Path) -> None:
    """One that goes or comes, too."""
    folder, secret = tmp_path / "own", tmp_path / "secret"
    states = [signature_of_files([secret, folder])]

    def next_state() -> None:
        state = signature_of_files([secret, folder])
        assert state not in states
        states.append(state)

    secret.write_text("one")
    next_state()
    secret.write_text("three")
    next_state()
    folder.mkdir()
    (folder / "a.json").write_text("{}")
    next_state()
    (folder / "a.json").write_text("{} ")
    next_state()
    (folder / "b.json").write_text("{}")
    next_state()
    (folder / "a.json").unlink()
    next_state()
    (folder / "note.txt").write_text("")
    assert signature_of_files([secret, folder]) == states[-1]
