"""A container as the kubelet would run it, here: a root of its own that is read-only and holds what
the image holds, volumes at their places, the pod's user and group, and no capability.

It is a process in a mount namespace; the network is the machine's, so each port is another one
here. Linux with namespaces is needed (a user's own, where the tests do not run as root; then the
user stays the same). What must not go in: what a pod or a cluster is.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.image.installed import FINAL, PACKAGES, PLACE, install, moved
from tests.servers.process import GuardedProcess, ServerError

PACKAGES_HERE = "/opt/packages"
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_FILES = ("/etc/hosts", "/etc/nsswitch.conf", "/etc/resolv.conf", "/etc/ld.so.cache", "/etc/ssl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    source: Path
    target: str
    read_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whom a process runs as."""

    user: int
    group: int
    extra: int
    """The group that owns the volumes."""


class Image:
    """What `docker build` would make of the Dockerfile, as far as processes of ours can tell."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = moved(install(folder, packages=PACKAGES_HERE))
        self.variables = dict(FINAL.one("ENV").pairs)
        self.entrypoint = FINAL.one("ENTRYPOINT").argv

    @property
    def binds(self) -> dict[str, Path]:
        """What stands where in a root of it, besides the system's own directories."""
        python = Path(sys.base_prefix)
        inside = {} if python == Path("/usr") else {str(python): python}
        return {**inside, PLACE: self._environment, PACKAGES_HERE: PACKAGES}


class Container:
    """One that has been started."""

    def __init__(
        self,
        image: Image,
        *,
        folder: Path,
        argv: Sequence[str],
        variables: Mapping[str, str],
        mounts: Sequence[Mount],
        identity: Identity,
    ) -> None:
        self.log = folder / "log"
        self.environment = {**image.variables, **variables}
        self._identity = identity
        root = folder / "root"
        root.mkdir(parents=True)
        entry = _Entry(root)
        entry.system()
        for target, source in image.binds.items():
            entry.bind(source, target, read_only=True)
        for mount in mounts:
            entry.bind(mount.source, mount.target, read_only=mount.read_only)
        script = folder / "enter"
        script.write_text(entry.text(), encoding="utf-8")
        self._process = GuardedProcess(
            [
                *(_found("unshare"), "--mount", *([] if _is_root() else ["--map-root-user"])),
                *("/bin/sh", str(script), *self._as_identity(), *argv),
            ],
            log=self.log,
            environment=self.environment,
            last_signal=signal.SIGKILL,
        )

    @property
    def running(self) -> bool:
        return self._process.running

    @property
    def pid(self) -> int:
        return self._process.pid

    def told(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait(self, within: timedelta) -> int:
        """Its exit code, once it has ended by itself."""
        return self._process.wait(within)

    def end(self, number: signal.Signals, *, within: timedelta) -> int:
        return self._process.end(number, within=within)

    def run(self, argv: Sequence[str], *, within: timedelta) -> subprocess.CompletedProcess[str]:
        """Another process in the same container, as a hook or a probe would."""
        enter = [_found("nsenter"), "--target", str(self.pid), "--mount", "--root", "--wd=/"]
        if not _is_root():
            enter += ["--user", "--preserve-credentials"]
        return subprocess.run(
            [*enter, *self._as_identity(), *argv],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=within.total_seconds(),
            check=False,
        )

    def _as_identity(self) -> list[str]:
        """The words that give up everything else before a program runs."""
        who = self._identity
        words = ["/usr/bin/setpriv", "--no-new-privs"]
        if not _is_root():
            return words
        words += [f"--reuid={who.user}", f"--regid={who.group}", f"--groups={who.extra}"]
        return [*words, "--bounding-set=-all", "--inh-caps=-all"]


class _Entry:
    """The shell script that sets up a root and becomes the program given as arguments, in it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lines = [
            "set -eu",
            f"root={shlex.quote(str(root))} theirs=$PATH PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            'mount -t tmpfs -o mode=0755 tmpfs "$root"',
        ]

    def bind(self, source: Path, target: str, *, read_only: bool) -> None:
        there = f'"$root"{shlex.quote(target)}'
        if source.is_dir():
            self._lines.append(f"mkdir -p {there}")
        else:
            self._lines.append(f"mkdir -p {there}; rmdir {there}; touch {there}")
        self._lines.append(f"mount --bind {shlex.quote(str(source))} {there}")
        if read_only:
            self._lines.append(f"mount -o remount,bind,ro {there}")

    def system(self) -> None:
        """What any Debian has. Of /etc, only what the C library looks for."""
        for each in map(Path, _SYSTEM):
            if each.is_symlink():
                self._lines.append(f'ln -s {shlex.quote(str(each.readlink()))} "$root"{each}')
            elif each.exists():
                self.bind(each, str(each), read_only=True)
        for each in map(Path, _DEVICES):
            self.bind(each, str(each), read_only=False)
        for each in map(Path, _FILES):
            if each.exists():
                self.bind(each.resolve(), str(each), read_only=True)
        self._lines.append('mkdir -p "$root/proc" "$root/tmp" "$root/run"')
        self._lines.append('mount --rbind /proc "$root/proc"')

    def text(self) -> str:
        last = (
            'mount -o remount,bind,ro "$root"',
            f'cd / && PATH=$theirs && exec /usr/sbin/chroot {shlex.quote(str(self._root))} "$@"',
        )
        return "\n".join((*self._lines, *last, ""))


def _is_root() -> bool:
    return os.geteuid() == 0


def _found(program: str) -> str:
    found = shutil.which(program, path="/usr/bin:/bin:/usr/sbin:/sbin")
    if found is None:
        raise ServerError(f"{program} is not installed (Debian package: util-linux)")
    return found
