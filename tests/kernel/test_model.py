# SPDX-License-Identifier: Apache-2.0
"""What creations leave behind in parent and child, by the model of the kernel that made them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from replay.model.load import model_for
from replay.names import CLONE_THREAD, CLONE_VFORK, CLONE_VM
from replay.recording import Recording

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.conftest import Recorder

PTHREAD = CLONE_VM | CLONE_THREAD
SPAWN = CLONE_VM | CLONE_VFORK


@pytest.mark.parametrize(
    ("program", "flags"),
    [(("threads", "3"), PTHREAD), (("spawn",), SPAWN)],
    ids=["pthread", "spawn"],
)
def test_creations_of_the_c_library(
    recorded: Recorder, programs: Path, program: tuple[str, ...], flags: int
) -> None:
    """GIVEN pthread_create or posix_spawn THEN every new task has what its flags ask for."""
    recording = recorded(programs / program[0], *program[1:])
    born = recording.rows("newtask")
    assert len(born) == int(program[-1] if program[1:] else 1)
    assert all(row["clone_flags"] & flags == flags for row in born)
    # THEN each condition of the model on a new task whose flags it is about is a case that holds
    model = model_for(Recording.of(recording.trace).kernel).model
    wanted = {
        condition.id: sum(condition.when.holds(row["clone_flags"]) for row in born)
        for step in model.steps
        for condition in step.leaves
    }
    passed = {
        part.name: part.passed
        for rule in (
            "shared-objects", "new-task-state", "new-task-flags", "new-task-members",
            "parent-and-group", "exit-signal",
        )
        for part in recording.verdicts[rule].parts
    }  # fmt: skip
    assert passed == wanted
    assert len(wanted) > 30
