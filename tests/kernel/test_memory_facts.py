# SPDX-License-Identifier: Apache-2.0
"""What a recording with faults tells beside them: sharing at fork, moved pages, stacks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from replay.memory.contradictions import contradictions
from replay.memory.history import PageHistories

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.conftest import Recorder
    from tests.kernel.recording import Recording

ANON, SHARED = 1003, 101
PAGES = 200
MARGIN_PAGES = 16
"""Pages that the program touches on its way from reading statm to the fork."""


def _observed(recording: Recording, *facts: str) -> bool:
    plan: Any = recording.trace.metadata["plan"]
    sure = {row["fact"]: row["certainty"] for row in plan}
    return all(sure[fact] == "observed" for fact in facts)


def test_what_a_fork_shares(recorded: Recorder, programs: Path) -> None:
    """GIVEN a program that forks before and after it touches so many pages.

    WHEN the counters of its memory are read at each fork
    THEN they differ by these pages, agree with /proc/PID/statm, and the child has the anonymous
    ones, and none of shared memory.
    """
    recording = recorded(programs / "fork_rss", options=("--faults",))
    rows = recording.rows("fork_rss")
    assert [row["child_tid"] for row in rows] == [
        row["child_tid"] for row in recording.rows("newtask")
    ]
    _, before, after = rows
    # percpu_counter_batch (lib/percpu_counter.c): what a CPU keeps back of each counter. The sum
    # over CPUs has no such error while the only thread of the process is in the call.
    cpus = os.cpu_count() or 1
    kept_back = 0 if after["cpus_read"] else max(32, 2 * cpus) * cpus
    assert 0 <= after["anon_pages"] - before["anon_pages"] - ANON + kept_back <= 2 * kept_back + 4
    assert abs(after["shmem_pages"] - before["shmem_pages"] - SHARED) <= kept_back
    # task_statm() (fs/proc/task_mmu.c) reads the exact sums since 6.16, before without the parts.
    [[_, resident, shared, *_]] = recording.numbers()
    margin = MARGIN_PAGES + max(32, 2 * cpus) * cpus
    assert abs(after["anon_pages"] - (resident - shared)) <= margin
    assert abs(after["file_pages"] + after["shmem_pages"] - shared) <= margin
    assert after["child_anon_pages"] == pytest.approx(after["anon_pages"], abs=kept_back + 1)
    assert abs(after["child_shmem_pages"]) <= kept_back


def test_moved_pages_are_explained(recorded: Recorder, programs: Path) -> None:
    """GIVEN pages that are collapsed, and others that are migrated, between two faults.

    WHEN a child finds them in other frames than they were put into
    THEN the recorded changes lead from the ones to the others, and nothing is left unexplained.
    """
    recording = recorded(programs / "moved_pages", options=("--faults",))
    [[huge, _, collapsed, compacted]] = recording.numbers()
    memory = PageHistories.from_trace(recording.trace)
    found = {anomaly.kind.name: anomaly.count for anomaly in contradictions(memory)}
    if collapsed and _observed(recording, "pages_isolated", "pages_collapsed"):
        own = [
            row for row in recording.rows("collapse", status=1) if row["index"] >> 9 == huge >> 21
        ]
        assert len(own) == 1
        assert found["page_collapsed"] == 512
    if compacted and _observed(recording, "page_taken_out", "page_put_in"):
        assert recording.trace.rows("migration") > 0
        assert "frame_changed" not in found
        assert "inherited_frame_differs" not in found


def test_copies_by_stack(recorded: Recorder, programs: Path) -> None:
    """A known chain of calls is shown, from the outermost function to the one that writes."""
    recording = recorded(programs / "call_chain", options=("--faults", "--stacks"))
    rows = recording.json("cow", "--by", "stack")["rows"]
    [row] = [row for row in rows if row["stack"] and row["stack"].endswith("innermost")]
    assert row["stack"].endswith("outermost;middle;innermost")
    assert row["copied"] == PAGES


def test_faults_are_as_many_with_stacks(recorded: Recorder, programs: Path) -> None:
    """Where frame pointers lead nowhere, following them faults: that is no fault of the task's."""
    recording = recorded(programs / "call_chain", options=("--faults", "--stacks"))
    [child] = [row for row in recording.rows("exit") if row["tid"] != recording.root.id.tgid]
    done = [row for row in recording.rows("fault", tid=child["tid"]) if row["flags"] & 4]
    assert len(done) == child["min_flt"] + child["maj_flt"]


def test_without_stacks_there_are_none(recorded: Recorder, programs: Path) -> None:
    """They are recorded only when asked for."""
    recording = recorded(programs / "call_chain", options=("--faults",))
    assert recording.trace.rows("fault_stack") == 0
    assert recording.trace.rows("stack_frame") == 0
    assert {row["stack"] for row in recording.json("cow", "--by", "stack")["rows"]} == {None}


def test_the_dynamic_linker_of_a_program_is_told(recorded: Recorder, programs: Path) -> None:
    """By device and inode, whatever it is called."""
    recording = recorded(programs / "call_chain", options=("--faults",))
    [program] = [row for row in recording.rows("module") if row["path"].endswith(b"/call_chain")]
    [linker] = recording.rows("module_interpreter", file_ino=program["file_ino"])
    [module] = recording.rows("module", file_ino=linker["interpreter_ino"])
    assert b"ld-linux" in module["path"]
