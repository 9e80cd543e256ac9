# SPDX-License-Identifier: Apache-2.0
"""tracer.object_cache: what is kept comes back, and nobody else can put something there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tracer import object_cache
from tracer.compiled import Compiled
from tracer.object_cache import find, keep, key, place

ONE = Compiled("GPL", (), {"on_x": bytes(16)})


def kept(folder: Path) -> Path:
    """Keep one and give its file."""
    keep("one", ONE, folder)
    return folder / "one.bpf"


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    """And only by its own name; nothing is left over beside it."""
    folder = tmp_path / "new" / "cache"
    path = kept(folder)
    assert find("one", folder) == ONE
    assert find("two", folder) is None
    assert list(folder.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_key_tells_parts_apart() -> None:
    """Not only what they are when joined."""
    assert len({key([b"ab", b"c"]), key([b"a", b"bc"]), key([b"abc"]), key([b"abc", b""])}) == 4
    assert key([b"ab", b"c"]) == key([b"ab", b"c"])


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_file_that_others_may_write_is_not_used(tmp_path: Path, mode: int) -> None:
    """The kernel would run what they wrote."""
    kept(tmp_path).chmod(mode)
    assert find("one", tmp_path) is None


def test_a_folder_that_others_may_write_is_not_used(tmp_path: Path) -> None:
    """They could put another file in the place of ours."""
    kept(tmp_path)
    tmp_path.chmod(0o777)
    assert find("one", tmp_path) is None
    keep("two", ONE, tmp_path)
    assert not (tmp_path / "two.bpf").exists()


def test_somebody_else_s_file_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever owns it can change it."""
    kept(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert find("one", tmp_path) is None


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """Neither as the file nor as the folder."""
    kept(tmp_path / "real")
    (tmp_path / "real" / "two.bpf").symlink_to(tmp_path / "real" / "one.bpf")
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    assert find("two", tmp_path / "real") is None
    assert find("one", tmp_path / "linked") is None


def test_a_damaged_file_is_not_used(tmp_path: Path) -> None:
    """A recording then compiles, as without one."""
    path = kept(tmp_path)
    path.write_bytes(path.read_bytes()[:-5])
    assert find("one", tmp_path) is None


def test_only_the_latest_are_kept(tmp_path: Path) -> None:
    """Kernels come and go."""
    for number in range(object_cache.FILES_MAX + 3):
        keep(f"{number}", ONE, tmp_path)
        os.utime(tmp_path / f"{number}.bpf", ns=(number, number))
    keep("last", ONE, tmp_path)
    names = {path.stem for path in tmp_path.iterdir()}
    assert names == {"last"} | {f"{number}" for number in range(4, object_cache.FILES_MAX + 3)}


def test_nothing_is_kept_where_nothing_can_be(tmp_path: Path) -> None:
    """A file system without room, or that is read only, is no failure of the recording."""
    (tmp_path / "file").touch()
    keep("one", ONE, tmp_path / "file" / "folder")
    assert find("one", tmp_path / "file" / "folder") is None


def test_root_has_a_place_that_no_user_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under sudo $HOME and $XDG_CACHE_HOME may be those of the user."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert place() == Path("/var/cache/proctrace")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert place() == Path("/somewhere/proctrace")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert place() == Path.home() / ".cache" / "proctrace"


def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept, and nothing half written stays."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    keep("one", ONE, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nobody_s_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has none keeps nothing, and can record all the same."""

    def fail() -> None:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(os, "geteuid", lambda: 1)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", fail)
    keep("one", ONE)
    assert find("one") is None
