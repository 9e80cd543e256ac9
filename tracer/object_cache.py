# SPDX-License-Identifier: Apache-2.0
"""Keeps compiled programs for the next recording: clang takes longer than all else at a start.

A file is used only if nobody else could have written it, since the kernel will run what is in it:
under sudo, $HOME may be that of a user who is not to choose what root loads.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracer.compiled import Compiled

if TYPE_CHECKING:
    from collections.abc import Iterable

_OF_ROOT: Final = Path("/var/cache/proctrace")
FILES_MAX: Final = 24
"""Each has some 170 kB; every kernel and every choice of options makes one."""
_SUFFIX: Final = ".bpf"
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def key(parts: Iterable[bytes]) -> str:
    """Give the name for what these parts, and nothing else, make different."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()[:32]


def place() -> Path:
    """Give the folder for compiled programs of whom we run as."""
    if os.geteuid() == 0:
        return _OF_ROOT
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "proctrace"


def find(name: str, folder: Path | None = None) -> Compiled | None:
    """Give what was kept by that name; None if nothing was, or it cannot be trusted."""
    try:
        path = (folder or place()) / (name + _SUFFIX)
        if not _is_ours(path.parent.stat(follow_symlinks=False)):
            return None
        with os.fdopen(os.open(path, _READ), "rb") as file:
            if not _is_ours(os.fstat(file.fileno())):
                return None
            return Compiled.from_bytes(file.read())
    except (OSError, ValueError, RuntimeError):  # the last: who we run as has no home
        return None


def keep(name: str, compiled: Compiled, folder: Path | None = None) -> None:
    """Keep it, and of all only the latest; where nothing can be kept, nothing is."""
    with contextlib.suppress(OSError, RuntimeError):
        folder = folder or place()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(folder.stat(follow_symlinks=False)):
            return
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            try:
                file.write(compiled.to_bytes())
                file.flush()
                Path(file.name).replace(folder / (name + _SUFFIX))
            except OSError:  # a full disk
                Path(file.name).unlink()
                raise
        files = sorted(folder.glob("*" + _SUFFIX), key=lambda path: path.stat().st_mtime_ns)
        for old in files[:-FILES_MAX]:
            old.unlink(missing_ok=True)


def _is_ours(status: os.stat_result) -> bool:
    kind = stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)
    return kind and status.st_uid == os.geteuid() and not status.st_mode & _OTHERS_WRITE
