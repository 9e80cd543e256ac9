# SPDX-License-Identifier: Apache-2.0
"""The file that a recording is written to: created safely, private, owned by the invoking user."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import stat
from typing import TYPE_CHECKING

from traces.errors import ProctraceError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

_MODE = 0o600
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def default_name(what: str, pid: int) -> str:
    """Give the file name for a recording of `what` (a command's name, or pid, host, cgroup)."""
    plain = re.sub(r"[^A-Za-z0-9._+-]+", "_", what.rsplit("/", 1)[-1]).strip("._") or "command"
    return f"proctrace-{plain[:40]}-{pid}.ptrace"


class WriteError(OSError):
    """The trace itself could not be written: a full disk, a limit, a device that is gone."""


class OutputFile(io.FileIO):
    """A file whose errors of writing are WriteError, to be told from all others."""

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - any buffer
        """Write without a buffer; give how many bytes were taken."""
        try:
            return super().write(data)
        except OSError as error:
            raise WriteError(error.errno, error.strerror) from error


def create(path: Path, *, overwrite: bool, owner: tuple[int, int] | None) -> OutputFile:
    """Create `path` with mode 0600 and give it open for writing.

    An existing file is replaced only with `overwrite`; a symbolic link is never followed, since
    root may be writing into a folder of someone else. What is neither a file nor a link to one
    is left alone, except a character device, which is written to. `owner` is (uid, gid) to give
    the file to. Raises ProctraceError.
    """
    try:
        if overwrite and _is_device(path):
            return OutputFile(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "wb")
        if overwrite:
            _make_way(path)
        descriptor = os.open(path, _NEW, _MODE)
    except OSError as error:
        raise _refusal(path, error) from error
    if owner is not None:
        # A file system without owners (vfat) refuses; its files are whose it was mounted for.
        with contextlib.suppress(OSError):
            os.fchown(descriptor, *owner)
    return OutputFile(descriptor, "wb")


def remove(path: Path, file: OutputFile) -> None:
    """Remove a file that `create` made; nothing else that may be at its place by now."""
    with contextlib.suppress(OSError):
        made, found = os.fstat(file.fileno()), path.lstat()
        if stat.S_ISREG(made.st_mode) and os.path.samestat(made, found):
            path.unlink()


def _is_device(path: Path) -> bool:
    try:
        return stat.S_ISCHR(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _make_way(path: Path) -> None:
    """Remove the file, or the link to one, that is to be overwritten."""
    # /dev/stdout is a link to a descriptor, whatever that is of, and everybody's.
    of_a_descriptor = path.is_symlink() and path.readlink().is_relative_to("/proc")
    if of_a_descriptor or (path.exists() and not path.is_file()):
        raise ProctraceError(
            f"cannot create {path}", "what is there is no file", "choose another file with -o"
        )
    path.unlink(missing_ok=True)


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
