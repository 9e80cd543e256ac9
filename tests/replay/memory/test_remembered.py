# SPDX-License-Identifier: Apache-2.0
"""What the commands about memory begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from replay.memory.remembered import remembered
from tests.replay.memory_story import build_memory_story
from tests.replay.story import build_story, write_story
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_trace_with_faults(tmp_path: Path) -> None:
    """Forks, images and endings are found by pid."""
    known = remembered(write_story(build_memory_story(), tmp_path / "a"))
    costs = known.fork("103")
    assert (costs["parent_tgid"], costs["child_tgid"]) == (102, 103)
    view = known.process_view("103")
    assert [one.ending for one in view.spaces] == ["executed ls", "exited with status 1"]
    assert len(known.stories(view.process.id, 0x6000)) == 2


def test_a_vfork_child_is_shown_without_what_it_borrowed(tmp_path: Path) -> None:
    """Its parent's memory is not its own."""
    known = remembered(write_story(build_memory_story(), tmp_path / "a"))
    assert [one.space.made for one in known.process_view("104").spaces] == ["exec"]


def test_a_trace_without_faults(tmp_path: Path) -> None:
    """It is said how to record them, and the name of the file cannot steer the terminal."""
    path = write_story(build_story(), tmp_path / "a\x1b[31m")
    with pytest.raises(ProctraceError) as caught:
        remembered(path)
    assert "\x1b" not in caught.value.what
    assert "record again without --no-faults" in caught.value.hint
