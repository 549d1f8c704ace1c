"""The first stage of the Dockerfile, done without Docker: its steps, in a directory instead of `/`.

`python -m tests.image.replay` does all of it, with the Python at hand, and runs the result. Nobody
can build the image on a machine without a daemon; this shows that its steps lead to a Postern that
starts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from tests.image.dockerfile import Ignored, Instruction, Stage, read_dockerfile

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 600.0
PLATFORMS = ("x86_64-manylinux_2_36", "aarch64-manylinux_2_36")
"""Debian 12, as its C library says."""


class Replay:
    """A stage whose `/` is a directory."""

    def __init__(self, stage: Stage, root: Path, *, project: Path = ROOT) -> None:
        self._stage = stage
        self._root = root
        self._project = project
        self._ignored = Ignored(project / ".dockerignore")
        self._directory = root
        self._environment: dict[str, str] = {}

    def place(self, path: str) -> Path:
        """Where an absolute path of the image is here."""
        return self._root / path.lstrip("/")

    def run(self) -> None:
        for step in self._stage.steps:
            match step.name:
                case "ENV":
                    self._environment |= step.pairs
                case "WORKDIR":
                    self._directory = self.place(step.words[0])
                    self._directory.mkdir(parents=True, exist_ok=True)
                case "COPY":
                    self._copy(step)
                case "RUN":
                    self._run(step.argv)
                case other:
                    raise ValueError(f"line {step.line}: {other} cannot be done here")

    def _copy(self, step: Instruction) -> None:
        *sources, target = step.words
        for source in sources:
            for file in copied_files(self._project, source, self._ignored):
                folder = self._project / source
                inner = file.relative_to(folder) if folder.is_dir() else Path(file.name)
                to = self._directory / target / inner
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, to)

    def _run(self, argv: Sequence[str]) -> None:
        program, *rest = (str(self.place(word)) if word.startswith("/") else word for word in argv)
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        kept |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        subprocess.run(
            [sys.executable if program == "python" else program, *rest],
            cwd=self._directory,
            env={**kept, "HOME": str(self._root), **self._environment},
            check=True,
            timeout=LIMIT,
        )


def copied_files(project: Path, source: str, ignored: Ignored) -> Iterator[Path]:
    """The files that `COPY source` takes along."""
    top = project / source
    if not top.exists():
        raise FileNotFoundError(top)
    for file in sorted(top.rglob("*")) if top.is_dir() else [top]:
        if file.is_file() and PurePosixPath(file.relative_to(project)) not in ignored:
            yield file


def check_wheels(python: str, platform: str) -> None:
    """Whether every locked package can be had for the image's own Python and a processor: that is
    not the Python which is at hand here. Nothing is installed."""
    subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "install", "--dry-run", "--quiet"),
            *("--python-version", python, "--python-platform", platform, "--only-binary", ":all:"),
            *("--require-hashes", "--target", "/nonexistent", "-r", ROOT / "requirements-otel.txt"),
        ],
        check=True,
        timeout=LIMIT,
    )


def main() -> int:
    file = read_dockerfile(ROOT / "Dockerfile")
    stage = file.stages[0]
    python = file.arguments["BASE"].partition(":")[2].partition("-")[0]
    for platform in PLATFORMS:
        check_wheels(python, platform)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="postern-image-") as folder:
        replay = Replay(stage, Path(folder))
        replay.run()
        postern = replay.place("/opt/postern/bin/postern")
        for arguments in (["version"], ["--help"], ["gateway", "--help"]):
            subprocess.run([postern, *arguments], cwd="/", env={}, check=True, stdout=sys.stderr)
        size = sum(file.lstat().st_size for file in replay.place("/opt/postern").rglob("*"))
    sys.stdout.write(
        f"Every locked package is there for Python {python} on {' and '.join(PLATFORMS)}.\n"
        f"The first stage of the image: {time.monotonic() - begun:.0f} s, {size / 1e6:.0f} MB,"
        " and it runs.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
