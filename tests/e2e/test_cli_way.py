"""The way of the tutorial: init, check, test, run, send, actions, show, books."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.command_line import Running, environment, postern, running
from tests.servers.process import free_ports

EVENT = {
    "id": "o-1-shipped",
    "type": "order.shipped",
    "subject": "o-1",
    "data": {"phone": "0151 23456789", "first_name": "Anna"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A directory made by `postern init`, and what its commands need."""

    directory: Path
    env: dict[str, str]
    url: str


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    directory = tmp_path_factory.mktemp("shop")
    done = postern("init", directory, cwd=directory)
    assert done.returncode == 0, done.stderr
    secrets = dict(
        line.split("=", 1) for line in (directory / "postern.env").read_text().splitlines()
    )
    listen, admin = free_ports(2)
    return Shop(
        directory=directory,
        url=f"http://127.0.0.1:{listen}",
        env=environment(
            **secrets,
            POSTERN_LISTEN=f"127.0.0.1:{listen}",
            POSTERN_ADMIN=f"127.0.0.1:{admin}",
        ),
    )


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Running]:
    """The sandbox and `postern run`, on free ports."""
    with running("sandbox", "--listen", "127.0.0.1:0", cwd=shop.directory) as sandbox:
        url = sandbox.wait_for(r"smsgateway24 +url: (\S+)")[1]
        file = shop.directory / "postern.yaml"
        file.write_text(re.sub(r"url: \S+", f"url: {url}", file.read_text()))
        with running("run", cwd=shop.directory, env=shop.env) as run:
            run.wait_for("Ctrl-C ends it")
            yield run
            assert run.end() == 0
        assert sandbox.end() == 0


def test_the_key_is_new_and_only_its_owner_may_read_it(shop: Shop) -> None:
    file = shop.directory / "postern.env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(shop.env["SHOP_KEY"]) >= 32
    assert shop.env["SHOP_KEY"] not in (shop.directory / "postern.yaml").read_text()


def test_init_overwrites_nothing(shop: Shop) -> None:
    before = (shop.directory / "postern.env").read_text()
    done = postern("init", shop.directory, cwd=shop.directory)
    assert done.returncode == 1
    assert "nothing was written" in done.stderr
    assert (shop.directory / "postern.env").read_text() == before


def test_the_first_configuration_is_right_and_its_fixtures_pass(shop: Shop) -> None:
    """Also without any secret at hand: checking needs none."""
    for command in ("check", "test"):
        done = postern("rules", command, "postern.yaml", cwd=shop.directory)
        assert done.returncode == 0, done.stdout + done.stderr


def test_an_event_becomes_a_text_that_can_be_asked_for(shop: Shop, served: Running) -> None:
    """Sent twice, carried out once; found by the number as people write it; explained by `show`."""
    assert served.process.poll() is None
    file = shop.directory / "event.json"
    file.write_text(json.dumps(EVENT))
    for _ in range(2):
        sent = postern(
            "send",
            file,
            "--url",
            shop.url,
            "--key-env",
            "SHOP_KEY",
            cwd=shop.directory,
            env=shop.env,
        )
        assert sent.returncode == 0, sent.stdout + sent.stderr
    ref = re.search(r"ev_\S+", sent.stdout)
    assert ref is not None
    books = postern("books", "--json", cwd=shop.directory, env=shop.env)
    assert books.returncode == 0, books.stdout + books.stderr
    listed = wait_until_done(shop)
    assert [action["ref"] for action in listed] == [ref[0]]
    shown = postern("show", ref[0], cwd=shop.directory, env=shop.env)
    assert shown.returncode == 0, shown.stderr
    assert "order-shipped: matched" in shown.stdout
    assert listed[0]["reference"] in shown.stdout
    assert "attempt 1" in shown.stdout
    told = postern("show", ref[0], "--json", cwd=shop.directory, env=shop.env)
    assert json.loads(told.stdout)["actions"][0]["attempts"][0]["outcome"] == "done"
    books = postern("books", cwd=shop.directory, env=shop.env)
    assert books.returncode == 0
    assert "1 actions accepted = 1 planned in 1 recorded events" in books.stdout


def wait_until_done(shop: Shop) -> list[dict[str, str]]:
    """The one action, by its number; each look is a process, which is pause enough."""
    for _ in range(20):
        done = postern(
            "actions", "--to", "0151 23456789", "--json", cwd=shop.directory, env=shop.env
        )
        assert done.returncode == 0, done.stderr
        listed: list[dict[str, str]] = json.loads(done.stdout)["actions"]
        if listed and listed[0]["state"] == "done":
            return listed
    raise AssertionError(f"not done: {listed}")


def test_a_refused_event_is_named_and_the_exit_code_tells(shop: Shop, served: Running) -> None:
    assert served.process.poll() is None
    file = shop.directory / "many.jsonl"
    file.write_text('{"id": "x-1", "type": "order.noted"}\n{"id": "x-2"}\n')
    sent = postern(
        "send", file, "--url", shop.url, "--key-env", "SHOP_KEY", cwd=shop.directory, env=shop.env
    )
    assert sent.returncode == 1
    assert "many.jsonl:2: refused: HTTP 422" in sent.stderr
    assert "1 accepted, 1 refused, 0 given up" in sent.stdout


def test_a_second_process_on_the_same_data_is_refused(shop: Shop, served: Running) -> None:
    """Two processes on one embedded broker would hand messages out twice."""
    assert served.process.poll() is None
    listen, admin = free_ports(2)
    env = {
        **shop.env,
        "POSTERN_LISTEN": f"127.0.0.1:{listen}",
        "POSTERN_ADMIN": f"127.0.0.1:{admin}",
    }
    done = postern("run", cwd=shop.directory, env=env)
    assert done.returncode == 2
    assert "in use by another process" in done.stderr


def test_send_can_wait_for_what_becomes_of_its_events(shop: Shop, served: Running) -> None:
    """With new ids, so that the same file is a new event each time."""
    assert served.process.poll() is None
    file = shop.directory / "again.json"
    file.write_text(json.dumps(EVENT))
    ways = ("--url", shop.url, "--key-env", "SHOP_KEY", "--new-ids", "--wait", "30s")
    refs = set()
    for _ in range(2):
        sent = postern("send", file, *ways, cwd=shop.directory, env=shop.env)
        assert sent.returncode == 0, sent.stdout + sent.stderr
        found = re.search(r"^(ev_\S+): order-shipped, sms.send: done$", sent.stdout, re.MULTILINE)
        assert found is not None
        refs.add(found[1])
        assert sent.stdout.endswith("1 of 1 ended\n")
    assert len(refs) == 2
