"""Reads Dockerfile and .dockerignore, as far as ours need it.

An instruction or a form that is not known here is an error, so that nothing in the file goes
unread. What must not go in: any expectation of what our file says.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

KNOWN = {"ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL"}
KNOWN |= {"RUN", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    line: int
    name: str
    rest: str

    @property
    def argv(self) -> tuple[str, ...]:
        """Of an instruction in exec form. Raises ValueError for the shell form."""
        found = json.loads(self.rest)
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise ValueError(f"line {self.line}: expected a JSON array of strings")
        return tuple(found)

    @property
    def words(self) -> tuple[str, ...]:
        """The arguments without flags."""
        return tuple(word for word in self.rest.split() if not word.startswith("--"))

    @property
    def pairs(self) -> dict[str, str]:
        """Of ENV, LABEL and ARG: `NAME=value` or `NAME="some value"`."""
        found = re.findall(r'([\w.]+)=("[^"]*"|\S*)', self.rest)
        return {name: value.strip('"') for name, value in found}

    def flag(self, name: str) -> str | None:
        found = re.search(rf"--{name}=(\S+)", self.rest)
        return found[1] if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    base: str
    name: str | None
    steps: tuple[Instruction, ...]

    def all(self, name: str) -> list[Instruction]:
        return [step for step in self.steps if step.name == name]

    def one(self, name: str) -> Instruction:
        """The only one of its kind. Raises ValueError for none or several."""
        (found,) = self.all(name)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerfile:
    arguments: dict[str, str]
    """Before the first stage."""
    stages: tuple[Stage, ...]


def read_dockerfile(path: Path) -> Dockerfile:
    arguments: dict[str, str] = {}
    stages: list[tuple[Instruction, list[Instruction]]] = []
    for step in _instructions(path.read_text(encoding="utf-8")):
        if step.name == "FROM":
            stages.append((step, []))
        elif stages:
            stages[-1][1].append(step)
        elif step.name == "ARG":
            arguments |= step.pairs
        else:
            raise ValueError(f"line {step.line}: {step.name} before the first FROM")
    return Dockerfile(
        arguments=arguments, stages=tuple(_stage(head, steps, arguments) for head, steps in stages)
    )


def _stage(head: Instruction, steps: list[Instruction], arguments: dict[str, str]) -> Stage:
    base, *rest = head.words
    name = rest[1] if rest else None
    for argument, value in arguments.items():
        base = base.replace(f"${{{argument}}}", value)
    return Stage(base=base, name=name, steps=tuple(steps))


def _instructions(text: str) -> Iterator[Instruction]:
    start, pending = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or not line.strip():
            continue
        start = start if pending else number
        pending += line.strip()
        if pending.endswith("\\"):
            pending = pending[:-1] + " "
            continue
        name, _, rest = pending.partition(" ")
        if name not in KNOWN:
            raise ValueError(f"line {start}: {name} is not known here")
        yield Instruction(line=start, name=name, rest=rest.strip())
        pending = ""
    if pending:
        raise ValueError(f"line {start}: the last line goes on")


class Ignored:
    """What .dockerignore keeps out of the build: the last pattern that matches decides."""

    def __init__(self, path: Path) -> None:
        lines = path.read_text(encoding="utf-8").splitlines()
        kept = (line.strip() for line in lines if line.strip() and not line.startswith("#"))
        self._patterns = [
            (line.removeprefix("!").strip("/"), line.startswith("!")) for line in kept
        ]

    def __contains__(self, path: PurePosixPath) -> bool:
        """Whether a path, relative to the project, is left out, itself or with its folder."""
        ignored = False
        for pattern, wanted in self._patterns:
            if any(_matches(part, pattern) for part in (path, *path.parents)):
                ignored = not wanted
        return ignored


def _matches(path: PurePosixPath, pattern: str) -> bool:
    if path == PurePosixPath():
        return False
    if pattern.startswith("**/"):
        return any(fnmatch.fnmatchcase(part, pattern[3:]) for part in path.parts)
    if path.as_posix().count("/") != pattern.count("/"):
        return False
    return fnmatch.fnmatchcase(path.as_posix(), pattern)
