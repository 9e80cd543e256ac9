# SPDX-License-Identifier: Apache-2.0
"""tracer.command_path: PATH as a shell reads it, and 127 apart from 126."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tracer.command_path import exec_error, find_program, shown
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folders(tmp_path: Path) -> str:
    """Give a PATH of two folders: `tool` in both, `data` (no program) in the second."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tool").touch(mode=0o755)
    (tmp_path / "two" / "data").touch(mode=0o644)
    (tmp_path / "two" / "folder").mkdir()
    return f"{tmp_path}/one:{tmp_path}/two"


def failure(name: str, search_path: str) -> ProctraceError:
    """Give the error for a program that cannot be had."""
    with pytest.raises(ProctraceError) as caught:
        find_program(name, search_path)
    return caught.value


def test_the_first_of_path(folders: str, tmp_path: Path) -> None:
    """Folders are searched in order; a name with a slash is not searched for."""
    assert find_program("tool", folders) == str(tmp_path / "one" / "tool")
    path = str(tmp_path / "two" / "tool")
    assert find_program(path, "") == path


def test_no_path_at_all() -> None:
    """Without PATH the C library's default is searched, as execvp(3) does."""
    assert find_program("sh", None).endswith("/sh")


def test_not_found(folders: str) -> None:
    """Status 127, with names close to the one given."""
    error = failure("toool", folders)
    assert error.status == 127
    assert error.what == "command not found: toool"
    assert error.hint.endswith("close to it: tool")


@pytest.mark.parametrize("name", ["", "/no/such/program", "zzzzzz", "folder"])
def test_nothing_like_it(folders: str, name: str) -> None:
    """Status 127 also for an empty name, a path, and a folder that PATH happens to hold."""
    assert failure(name, folders).status == 127


def test_found_but_no_program(folders: str, tmp_path: Path) -> None:
    """Status 126 for a file without execute permission and for a directory."""
    for name in ("data", str(tmp_path / "two" / "data")):
        error = failure(name, folders)
        assert error.status == 126
        assert "permission" in error.why
    error = failure(str(tmp_path / "two"), folders)
    assert error.status == 126
    assert "directory" in error.why


def test_folders_of_path_that_do_not_exist(tmp_path: Path) -> None:
    """PATH may name what is not there."""
    assert failure("tool", str(tmp_path / "none")).status == 127


@pytest.mark.parametrize(("path", "text"), [("a b", "a b"), ("a\x1b[2J\n", r"'a\x1b[2J\n'")])
def test_paths_in_messages(path: str, text: str) -> None:
    """A message is one line without control characters."""
    assert shown(path) == text


def test_bytes_that_are_no_utf_8() -> None:
    """They are replaced, not raised on."""
    assert shown("\udcff") == "\ufffd"


def test_other_errors_of_execve(tmp_path: Path) -> None:
    """Any errno is 126 with the system's words."""
    error = exec_error(str(tmp_path), 13)
    assert (error.status, error.why) == (126, "Permission denied")
