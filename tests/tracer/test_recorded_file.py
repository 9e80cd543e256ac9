# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.recorded_file: a path is believed only if it leads to the recorded file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tracer import recorded_file
from tracer.recorded_file import FileId, Place, open_place, open_recorded

if TYPE_CHECKING:
    from pathlib import Path


def _id(path: Path) -> FileId:
    status = path.stat()
    return FileId(os.major(status.st_dev) << 20 | os.minor(status.st_dev), status.st_ino)


def _place(path: Path, tgid: int = 0) -> Place:
    return Place(os.fsencode(path), tgid)


def test_the_file_is_found_at_the_first_place_that_leads_to_it(tmp_path: Path) -> None:
    """Others are passed over: another file, nothing, a relative path."""
    wanted, other = tmp_path / "wanted", tmp_path / "other"
    wanted.write_bytes(b"this")
    other.write_bytes(b"that")
    places = [Place(b"wanted"), _place(tmp_path / "missing"), _place(other), _place(wanted)]
    opened = open_recorded(_id(wanted), places)
    assert opened is not None
    with opened.file as file:
        assert file.read() == b"this"
        assert opened.place == _place(wanted)
        assert opened.id == _id(wanted)
        assert opened.changed_ns == wanted.stat().st_mtime_ns
    assert open_recorded(_id(wanted), places[:3]) is None
    assert open_recorded(FileId(0, _id(wanted).inode), places) is None


def test_the_kernels_own_identity_is_that_of_proc_maps(tmp_path: Path) -> None:
    """It is what is recorded; stat shows another device on btrfs."""
    path = tmp_path / "file"
    path.write_bytes(b"x")
    with path.open("rb") as file:
        by_kernel = recorded_file._by_kernel(file.fileno(), 0)  # noqa: SLF001
    assert by_kernel is not None
    assert by_kernel.inode == path.stat().st_ino
    opened = open_place(_place(path))
    assert opened is not None
    opened.file.close()
    assert opened.id == by_kernel


def test_where_stat_and_the_kernel_differ_the_kernel_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on btrfs, whose files have devices that no superblock has."""
    path = tmp_path / "file"
    path.write_bytes(b"x")
    recorded = FileId(7 << 20, 99)
    monkeypatch.setattr(recorded_file, "_by_kernel", lambda *_: recorded)
    opened = open_recorded(recorded, [_place(path)])
    assert opened is not None
    opened.file.close()


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "dangling"])
def test_what_is_no_file_is_not_opened(tmp_path: Path, kind: str) -> None:
    """Opening a pipe would wait for ever; opening a device may do anything."""
    path = tmp_path / "it"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else "nowhere")
    assert open_place(_place(path)) is None
    assert open_place(Place(os.fsencode(path) + b"\0x")) is None


def test_a_place_in_another_processs_root() -> None:
    """Reached through /proc as long as that process lives."""
    own = os.getpid()
    assert Place(b"/bin/sh", own).reachable == b"/proc/%d/root/bin/sh" % own
    assert Place(b"/bin/sh").reachable == b"/bin/sh"
    opened = open_place(Place(b"/bin/sh", own))
    assert opened is not None
    opened.file.close()
    direct = open_place(Place(b"/bin/sh"))
    assert direct is not None
    direct.file.close()
    assert opened.id == direct.id
    assert open_place(Place(b"/bin/sh", 2**22 + 1)) is None


class Rooted(Place):
    """A place below a folder that stands for another root."""

    folder = b""

    @property
    def root(self) -> bytes:
        return self.folder


@pytest.mark.parametrize(
    ("path", "resolved"),
    [
        (b"/lib64/ld.so", b"/usr/lib/real.so"),
        (b"/usr/lib/real.so", b"/usr/lib/real.so"),
        (b"//usr/./lib64/../lib/ld.so", b"/usr/lib/real.so"),
        (b"/../usr/lib/none", b"/usr/lib/none"),
    ],
)
def test_links_are_followed_within_the_root(tmp_path: Path, path: bytes, resolved: bytes) -> None:
    """An absolute link of a container leads to the container's file, not to the host's."""
    (tmp_path / "usr" / "lib").mkdir(parents=True)
    (tmp_path / "usr" / "lib64").mkdir()
    (tmp_path / "lib64").symlink_to("/usr/lib")
    (tmp_path / "usr" / "lib" / "ld.so").symlink_to("real.so")
    (tmp_path / "usr" / "lib" / "real.so").touch()
    place = Rooted(path)
    Rooted.folder = os.fsencode(tmp_path)
    assert place.resolved().path == resolved


def test_links_without_end_are_given_up(tmp_path: Path) -> None:
    """As the kernel does after 40."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    place = _place(tmp_path / "a")
    assert open_place(place.resolved()) is None
