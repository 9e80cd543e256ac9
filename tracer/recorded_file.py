# SPDX-License-Identifier: Apache-2.0
"""Opens files that were recorded by device, inode and path: that file and no other.

By the end of a recording a path may name another file, a device or a pipe, or nothing at all; and
it is the path that the recorded process saw, whose root may be elsewhere.
"""

from __future__ import annotations

import os
import stat
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tracer.host import PROC

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

_LINKS_MAX = 40  # MAXSYMLINKS of the kernel


class FileId(NamedTuple):
    """A file as the kernel knows it: superblock's device (major << 20 | minor) and inode."""

    device: int
    inode: int


class Place(NamedTuple):
    """A path as a process with this tgid sees it; 0 for this process."""

    path: bytes
    tgid: int = 0

    @property
    def root(self) -> bytes:
        """Where that process's root directory is to be found; empty for this process's."""
        return os.fsencode(PROC / str(self.tgid) / "root") if self.tgid else b""

    @property
    def reachable(self) -> bytes:
        """The path by which this process reaches it."""
        return self.root + self.path

    def resolved(self) -> Place:
        """Follow symbolic links, absolute ones from that process's root."""
        done: list[bytes] = []
        waiting = self.path.split(b"/")[::-1]
        links = 0
        while waiting:
            name = waiting.pop()
            if name in (b"", b"."):
                continue
            if name == b"..":
                del done[-1:]
                continue
            link = _link(b"/".join([self.root, *done, name]))
            links += link is not None
            if link is None or links > _LINKS_MAX:
                done.append(name)
                continue
            if link.startswith(b"/"):
                done.clear()
            waiting += link.split(b"/")[::-1]
        return Place(b"/" + b"/".join(done), self.tgid)


@dataclass(frozen=True, slots=True)
class Opened:
    """A regular file that is open for reading; the file is the receiver's to close."""

    file: BinaryIO
    place: Place
    id: FileId

    @property
    def changed_ns(self) -> int:
        """When its content last changed, in ns since 1970."""
        return os.fstat(self.file.fileno()).st_mtime_ns


def open_recorded(wanted: FileId, places: Iterable[Place]) -> Opened | None:
    """Open the first of these places where the file is; None where it is at none of them."""
    for place in places:
        opened = open_place(place)
        if opened is None:
            continue
        if wanted in (opened.id, _by_stat(opened.file.fileno())):
            return Opened(opened.file, opened.place, wanted)
        opened.file.close()
    return None


def open_place(place: Place) -> Opened | None:
    """Open a regular file; None for anything else. Devices and pipes are never opened."""
    if not place.path.startswith(b"/") or b"\0" in place.path:
        return None
    try:
        handle = os.open(place.reachable, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return None
    with closing(_Handle(handle)):
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        try:
            file = (PROC / "self" / "fd" / str(handle)).open("rb")
        except OSError:
            return None
        return Opened(file, place, _by_kernel(handle, place.tgid) or _by_stat(handle))


class _Handle:
    def __init__(self, number: int) -> None:
        self._number = number

    def close(self) -> None:
        os.close(self._number)


def _by_stat(handle: int) -> FileId:
    status = os.fstat(handle)
    return FileId(os.major(status.st_dev) << 20 | os.minor(status.st_dev), status.st_ino)


def _by_kernel(handle: int, tgid: int) -> FileId | None:
    """Give s_dev and i_ino, which stat does not show on btrfs and on some overlays.

    seq_show(), fs/proc/fd.c, has had the inode since 5.14; show_mountinfo(), fs/proc_namespace.c,
    has s_dev.
    """
    try:
        info = (PROC / "self" / "fdinfo" / str(handle)).read_bytes()
        fields = dict(line.split(b":", 1) for line in info.splitlines() if b":" in line)
        mount = fields[b"mnt_id"].strip()
        inode = int(fields[b"ino"])
        mounts = (PROC / (str(tgid) if tgid else "self") / "mountinfo").read_bytes()
        for line in mounts.split(b"\n"):
            words = line.split(None, 3)
            if words[:1] == [mount]:
                major, minor = words[2].split(b":")
                return FileId(int(major) << 20 | int(minor), inode)
    except (OSError, KeyError, ValueError, IndexError):
        pass
    return None


def _link(path: bytes) -> bytes | None:
    try:
        return os.fsencode(Path(os.fsdecode(path)).readlink())
    except OSError:
        return None
