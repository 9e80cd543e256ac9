# SPDX-License-Identifier: Apache-2.0
"""The file that a recording is written to: created safely, private, owned by the invoking user."""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import TYPE_CHECKING, BinaryIO

from traces.errors import ProctraceError

if TYPE_CHECKING:
    from pathlib import Path

_MODE = 0o600
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def default_name(what: str, pid: int) -> str:
    """Give the file name for a recording of `what` (a command's name, or pid, host, cgroup)."""
    plain = re.sub(r"[^A-Za-z0-9._+-]+", "_", what.rsplit("/", 1)[-1]).strip("._") or "command"
    return f"proctrace-{plain[:40]}-{pid}.ptrace"


def create(path: Path, *, overwrite: bool, owner: tuple[int, int] | None) -> BinaryIO:
    """Create `path` with mode 0600 and give it open for writing.

    An existing file is replaced only with `overwrite`; a symbolic link is never followed, since
    root may be writing into a folder of someone else. `owner` is (uid, gid) to give the file to.
    Raises ProctraceError.
    """
    try:
        if overwrite and _is_device(path):
            return os.fdopen(os.open(path, os.O_WRONLY | os.O_CLOEXEC), "wb", buffering=0)
        if overwrite:
            path.unlink(missing_ok=True)
        descriptor = os.open(path, _NEW, _MODE)
    except OSError as error:
        raise _refusal(path, error) from error
    if owner is not None:
        os.fchown(descriptor, *owner)
    return os.fdopen(descriptor, "wb", buffering=0)


def _is_device(path: Path) -> bool:
    return path.exists() and stat.S_ISCHR(path.stat().st_mode)


def _refusal(path: Path, error: OSError) -> ProctraceError:
    what = f"cannot create {path}"
    if error.errno == errno.EEXIST:
        return ProctraceError(
            what, "it exists, and nothing is overwritten unasked", "add -f, or choose another -o"
        )
    if error.errno == errno.ENOENT:
        return ProctraceError(
            what, f"there is no folder {path.parent}", "create the folder, or choose another -o"
        )
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return ProctraceError(
            what, f"its folder {path.parent} is not writable", "choose another folder with -o"
        )
    why = error.strerror or str(error)
    return ProctraceError(what, why, "choose another file with -o")


def write_failure(path: Path, error: OSError) -> ProctraceError:
    """Give the error for a full disk, a limit, a vanished file system.

    What was written before stays readable.
    """
    return ProctraceError(
        f"recording stopped: cannot write on to {path}",
        error.strerror or str(error),
        f"free some space and record again; proctrace replay {path} shows what was saved",
    )
