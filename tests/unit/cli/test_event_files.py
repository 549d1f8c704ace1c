"""Events out of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.event_files import read_events
from core.errors import PosternError


def test_one_object_is_one_event_with_its_bytes_as_they_stand(tmp_path: Path) -> None:
    """A signature is made over the bytes, so they are not written anew."""
    file = tmp_path / "a.json"
    file.write_bytes(b'{ "id" : "o-1",  "type":"x" }\n')
    (event,) = read_events([file])
    assert event.body == file.read_bytes()
    assert (event.name, event.id) == (str(file), "o-1")


def test_an_array_and_lines_are_many_events_named_by_their_place(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"id":"1"},{"id":"2"}]')
    (tmp_path / "b.jsonl").write_text('{"id":"3"}\n\n{"type":"x"}\n')
    (tmp_path / "notes.txt").write_text("not an event")
    events = list(read_events([tmp_path]))
    assert [event.id for event in events] == ["1", "2", "3", None]
    assert [event.name.rpartition("/")[2] for event in events] == [
        "a.json[0]",
        "a.json[1]",
        "b.jsonl:1",
        "b.jsonl:3",
    ]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.json", "{", "a.json: not JSON"),
        ("a.json", '[{"id":"1"}, 7]', r"a.json\[1\]: expected a JSON object"),
        ("a.jsonl", '{"id":"1"}\nnope\n', "a.jsonl:2: not JSON"),
    ],
)
def test_what_is_no_event_is_named(tmp_path: Path, name: str, content: str, problem: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(PosternError, match=problem):
        list(read_events([tmp_path / name]))


def test_a_directory_without_events_is_an_error(tmp_path: Path) -> None:
    """Sending nothing by mistake would look like success."""
    with pytest.raises(PosternError, match=r"no \*.json"):
        list(read_events([tmp_path]))
