# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.output: a trace is private, never overwrites unasked, follows no link."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from tracer import output
from traces.errors import ProctraceError


def test_a_new_file_is_private(tmp_path: Path) -> None:
    """Argv may hold secrets."""
    path = tmp_path / "a.ptrace"
    with output.create(path, overwrite=False, owner=None) as file:
        file.write(b"x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == b"x"


def test_an_existing_file_is_kept_unless_asked(tmp_path: Path) -> None:
    """The error names the way out; with overwrite the old content is gone."""
    path = tmp_path / "a.ptrace"
    path.write_bytes(b"precious")
    with pytest.raises(ProctraceError) as caught:
        output.create(path, overwrite=False, owner=None)
    assert "-f" in caught.value.hint
    assert path.read_bytes() == b"precious"
    output.create(path, overwrite=True, owner=None).close()
    assert path.read_bytes() == b""


def test_overwriting_replaces_a_link_and_not_what_it_points_to(tmp_path: Path) -> None:
    """Root writes into folders of others; a link there must not choose the file."""
    target, path = tmp_path / "target", tmp_path / "a.ptrace"
    target.write_bytes(b"precious")
    path.symlink_to(target)
    with pytest.raises(ProctraceError):
        output.create(path, overwrite=False, owner=None)
    output.create(path, overwrite=True, owner=None).close()
    assert target.read_bytes() == b"precious"
    assert not path.is_symlink()


@pytest.mark.parametrize("name", ["pipe", "to_device", "folder"])
def test_what_is_no_file_is_left_alone(tmp_path: Path, name: str) -> None:
    """A pipe somebody reads, a link to a device, a folder: nothing that -f is meant for."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "to_device").symlink_to("/dev/full")
    path = tmp_path / name
    before = path.lstat()
    with pytest.raises(ProctraceError, match="cannot create"):
        output.create(path, overwrite=True, owner=None)
    assert os.path.samestat(path.lstat(), before)


def test_a_link_to_a_descriptor_is_left_alone(tmp_path: Path) -> None:
    """As /dev/stdout is, which may lead to a file."""
    (tmp_path / "file").touch()
    with (tmp_path / "file").open() as file:
        link = tmp_path / "link"
        link.symlink_to(f"/proc/self/fd/{file.fileno()}")
        with pytest.raises(ProctraceError, match="cannot create"):
            output.create(link, overwrite=True, owner=None)
    assert link.is_symlink()


def test_an_owner_that_the_file_system_does_not_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is made all the same."""

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)
    path = tmp_path / "a.ptrace"
    output.create(path, overwrite=False, owner=(1, 1)).close()
    assert path.exists()


def test_only_the_file_that_was_made_is_removed(tmp_path: Path) -> None:
    """Whatever took its place meanwhile stays, and so does a device."""
    path = tmp_path / "a.ptrace"
    with output.create(path, overwrite=False, owner=None) as file:
        path.rename(tmp_path / "moved")
        output.remove(path, file)
        path.write_bytes(b"precious")
        output.remove(path, file)
        assert path.read_bytes() == b"precious"
        (tmp_path / "moved").rename(path)
        output.remove(path, file)
        assert not path.exists()
    with output.create(Path("/dev/null"), overwrite=True, owner=None) as file:
        output.remove(Path("/dev/null"), file)
    assert Path("/dev/null").exists()


def test_the_file_is_given_to_its_owner(tmp_path: Path) -> None:
    """Under sudo the trace belongs to the invoking user."""
    path = tmp_path / "a.ptrace"
    owner = (os.getuid(), os.getgid())
    output.create(path, overwrite=False, owner=owner).close()
    assert (path.stat().st_uid, path.stat().st_gid) == owner


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda folder: folder / "absent" / "a", "there is no folder"),
        (lambda folder: folder, "it exists"),
        (lambda _: Path("/proc/a.ptrace"), "there is no folder|not writable|No such|denied"),
    ],
)
def test_a_place_that_cannot_be_written_is_one_clear_error(
    tmp_path: Path, make: object, why: str
) -> None:
    """What and why and a hint, whatever the kernel says."""
    assert callable(make)
    with pytest.raises(ProctraceError) as caught:
        output.create(make(tmp_path), overwrite=False, owner=None)
    assert caught.value.hint
    assert re.search(why, caught.value.why)


def test_a_device_is_written_to_and_not_replaced() -> None:
    """/dev/full is how a full disk is tried out."""
    file = output.create(Path("/dev/full"), overwrite=True, owner=None)
    with file, pytest.raises(output.WriteError, match="No space"):
        file.write(b"x")
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("make", "proctrace-make-7.ptrace"),
        ("/usr/bin/g++", "proctrace-g++-7.ptrace"),
        ("../a b\n$(x)", "proctrace-a_b_x-7.ptrace"),
        ("...", "proctrace-command-7.ptrace"),
    ],
)
def test_default_names_are_plain(what: str, name: str) -> None:
    """A command's name may hold anything; the file name does not."""
    assert output.default_name(what, 7) == name


def test_a_write_failure_names_the_file_and_what_is_left() -> None:
    """What was recorded before a full disk is still there."""
    error = output.write_failure(Path("a.ptrace"), OSError(28, "No space left on device"))
    assert "a.ptrace" in error.what
    assert error.why == "No space left on device"
    assert "replay a.ptrace" in error.hint
