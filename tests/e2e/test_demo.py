"""`postern demo`: the first thing that a newcomer runs."""

from __future__ import annotations

import json
import re
import socket
import urllib.request
from pathlib import Path

from tests.e2e.command_line import postern, running


def test_once_shows_every_sample_and_ends_well(tmp_path: Path) -> None:
    """The table tells each action's state; the retried one has two attempts; exit 0."""
    done = postern("demo", "--once", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    for sample in (
        "01-order-placed",
        "02-user-signed-up",
        "03-order-without-consent",
        "06-order-shipped",
    ):
        assert sample in done.stdout
    assert re.search(r"sms\.send +parked +0", done.stdout)
    assert "data.tracking is missing" in done.stdout
    assert re.search(r"sms\.send +done +2 ", done.stdout)
    assert "Everything went as it should" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_it_stays_up_and_can_be_played_with(tmp_path: Path) -> None:
    """The printed addresses answer, the printed curl line's event is taken, Ctrl-C ends it well."""
    with running("demo", cwd=tmp_path) as demo:
        demo.wait_for("Ctrl-C ends the demo")
        key = demo.wait_for(r"Authorization: Bearer ([^']+)'")[1]
        body = demo.wait_for(r"(?s)-d '(\{.*?\})'\n")[1]
        events = demo.wait_for(r"events +(http://\S+)")[1]
        page = demo.wait_for(r"texts and subscriptions +(http://\S+)")[1]
        metrics = demo.wait_for(r"metrics +(http://\S+)")[1]
        request = urllib.request.Request(
            events,
            data=body.encode(),
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 202
            receipt = json.load(answer)
        assert [action["state"] for action in receipt["actions"]] == ["queued"]
        with urllib.request.urlopen(page) as answer:
            assert answer.status == 200
        with urllib.request.urlopen(metrics) as answer:
            text = answer.read().decode()
        assert "postern_events_accepted_total" in text
        assert "postern_actions_ended_total" in text
        assert demo.end() == 0


def test_ports_that_are_taken_are_replaced(tmp_path: Path) -> None:
    """Somebody who runs something on 8080 can still see the demo."""
    taken = socket.socket()
    try:
        taken.bind(("127.0.0.1", 8080))
    except OSError:
        taken.close()  # somebody else holds it: the same situation
    else:
        taken.listen()
    with taken:
        done = postern("demo", "--once", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_with_a_directory_it_can_be_run_again(tmp_path: Path) -> None:
    """The events are known by then: nothing is done again, and that is as it should be."""
    for _ in range(2):
        done = postern("demo", "--once", "--data", tmp_path / "kept", cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
