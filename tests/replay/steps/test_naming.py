# SPDX-License-Identifier: Apache-2.0
"""Tests of replay.steps.naming: which step of the model an event belongs to."""

from __future__ import annotations

import polars as pl

from replay.model.load import load_model
from replay.steps.naming import PAGE_TABLE, RSS_COUNTER, UNDO, named
from replay.steps.windows import Windows
from tests.replay.steps.story import CAPABLE, SLAB_ALLOC, StepsTrace, steps_trace


def _named(trace: StepsTrace, window: int) -> list[tuple[str | None, str]]:
    moments = named(Windows.of(trace).moments, load_model("linux-6.18"))
    return moments.filter(pl.col("window") == window).select("step", "part").rows()


def test_a_fork() -> None:
    """Each allocation is its step's; what no step names is of the step before."""
    rows = _named(steps_trace(), 0)
    assert rows[0] == (None, "")
    assert rows[1:14] == [
        ("dup_task_struct", "task_struct"),
        ("copy_creds", "cred_jar"),
        ("copy_files", "files_cache"),
        ("copy_fs", "fs_cache"),
        ("copy_sighand", "sighand_cache"),
        ("copy_signal", "signal_cache"),
        ("copy_mm", "mm_struct"),
        ("copy_mm", "maple_node"),
        ("copy_mm", "vm_area_struct"),
        ("copy_mm", PAGE_TABLE),
        ("copy_mm", "capability check"),
        ("copy_mm", RSS_COUNTER),
        ("alloc_pid", "pid"),
    ]
    assert [step for step, _ in rows[14:]] == [
        "task_newtask", "sched_process_fork", "wake_up_new_task", "returned",
    ]  # fmt: skip


def test_what_a_failed_call_frees_is_undone() -> None:
    """From the first thing that is freed on; in a call that succeeds freeing is no undoing."""
    steps = [step for step, _ in _named(steps_trace(), 2)]
    assert steps.index(UNDO) == steps.index("alloc_pid") + 1
    assert set(steps[steps.index(UNDO) : -1]) == {UNDO}
    assert UNDO not in [step for step, _ in _named(steps_trace(), 0)]


def test_a_capability_is_the_limits_only_where_the_limit_is_checked() -> None:
    """dup_mmap() asks for CAP_SYS_ADMIN, too; the limit on processes is long behind then."""
    trace = StepsTrace()
    enter_ns = trace.tick()
    trace.step(SLAB_ALLOC, "copy_process", "task_struct")
    trace.step(SLAB_ALLOC, "prepare_creds", "pid")
    trace.step(CAPABLE, amount=24, result=-1)
    trace.step(CAPABLE, amount=21, result=-1)
    trace.call(enter_ns, -11)
    steps = [step for step, _ in _named(trace, 0)]
    assert steps[1:5] == ["dup_task_struct", "copy_creds", "nproc_limit", "nproc_limit"]


def test_merged_caches_do_not_mislead_where_the_site_is_one_steps_own() -> None:
    """prepare_creds allocates credentials, whatever its cache is called."""
    assert ("copy_creds", "cred_jar") in _named(steps_trace(), 0)
