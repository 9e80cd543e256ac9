# SPDX-License-Identifier: Apache-2.0
"""A trace is written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from replay.simulator.output import new_file
from traces.errors import ProctraceError


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    """With force it is."""
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(ProctraceError) as caught, new_file(path, force=False):
        pass
    assert caught.value.why == "it exists, and nothing is overwritten unasked"
    assert path.read_bytes() == b"old"
    with new_file(path, force=True) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"


def test_a_failure_leaves_no_file(tmp_path: Path) -> None:
    """Of whatever kind; a device stays."""
    path = tmp_path / "a"
    with pytest.raises(KeyError), new_file(path, force=False):
        raise KeyError
    assert not path.exists()
    with pytest.raises(KeyError), new_file(Path("/dev/null"), force=True):
        raise KeyError
    assert Path("/dev/null").exists()


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """As is a full device."""
    with (
        pytest.raises(ProctraceError, match="cannot write"),
        new_file(tmp_path / "b/a", force=False),
    ):
        pass
    with pytest.raises(ProctraceError) as caught:
        _fill(Path("/dev/full"))
    assert caught.value.why == "No space left on device"


def _fill(path: Path) -> None:
    with new_file(path, force=True) as file:
        file.write(b"x")
