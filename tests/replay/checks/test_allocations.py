# SPDX-License-Identifier: Apache-2.0
"""The allocations by which steps are known."""

from __future__ import annotations

from replay.checks.allocations import allocated, allocations
from replay.checks.evidence import Evidence
from tests.replay.checks.creating import MODEL
from tests.replay.checks.mutations import steps


def test_each_allocation_is_its_step_s() -> None:
    """By where it was made and of which cache."""
    found = allocated(Evidence(steps(), MODEL).moments, MODEL)
    assert found.get_column("step").to_list() == [
        "dup_task_struct", "copy_creds", "copy_files", "copy_fs", "copy_sighand", "copy_signal",
        "copy_mm", "copy_mm", "alloc_pid",
    ]  # fmt: skip


def test_only_sure_ones_count() -> None:
    """One that a step makes at times, or only with a flag, says nothing by not being there."""
    found = allocations(MODEL)
    assert found
    assert all(seen.sure and not step.only_if for step, seen in found)
