# SPDX-License-Identifier: Apache-2.0
"""The steps of real creations: each is there exactly when the flags ask for it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from replay.steps.windows import FREES, Windows

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.conftest import Recorder
    from tests.kernel.recording import Recording

COPY_PROCESS = "copy_process"
COPIES = {
    "fork": {"dup_fd", "copy_fs_struct", "prepare_creds", "vm_area_dup"},
    "vfork": {"dup_fd", "copy_fs_struct", "prepare_creds"},
    "thread": set(),
    "files": {"prepare_creds", "vm_area_dup"},
    "uts": {"dup_fd", "copy_fs_struct", "prepare_creds", "vm_area_dup", "create_new_namespaces"},
}
"""Functions that allocate in a call of each kind, of those that copy_process() may call."""
IN_COPY_PROCESS = {
    "fork": {"task_struct", "sighand_cache", "signal_cache", "mm_struct"},
    "vfork": {"task_struct", "sighand_cache", "signal_cache"},
    "thread": {"task_struct"},
    "files": {"task_struct", "sighand_cache", "signal_cache", "mm_struct"},
    "uts": {"task_struct", "sighand_cache", "signal_cache", "mm_struct"},
}
TASK_NEW, PF_FORKNOEXEC = 0x800, 0x40
NEW_UTS = 1


def _call(recording: Recording) -> tuple[dict[str, Any], pl.DataFrame]:
    windows = Windows.of(recording.trace)
    [call] = windows.calls.to_dicts()
    assert windows.outside == 0
    return call, windows.events


@pytest.mark.parametrize("kind", sorted(COPIES))
def test_each_step_is_there_exactly_when_the_flags_say_so(
    recorded: Recorder, programs: Path, kind: str
) -> None:
    """What is copied is allocated, what is shared is not."""
    recording = recorded(programs / "creations", kind)
    call, events = _call(recording)
    allocated = events.filter(pl.col("what") == 1)
    names = set(allocated["function"].drop_nulls())
    assert names & set().union(*COPIES.values()) == COPIES[kind]
    assert {COPY_PROCESS, "alloc_pid"} <= names
    own = allocated.filter(pl.col("function") == COPY_PROCESS)
    assert Counter(own["cache"]) == dict.fromkeys(IN_COPY_PROCESS[kind], 1)
    assert allocated.filter(pl.col("function") == "alloc_pid").height == 1
    # AND a copied address space has as many mappings as were copied
    [state] = recording.rows("newtask_state")
    copied = allocated.filter(pl.col("function") == "vm_area_dup").height
    assert copied == (state["child_map_count"] if "vm_area_dup" in COPIES[kind] else 0)
    assert state["child_tid"] == call["child_tid"]


def test_the_child_is_published_in_its_first_state(recorded: Recorder, programs: Path) -> None:
    """Nothing of the caller's past is the child's: times, faults, children, pending signals."""
    recording = recorded(programs / "creations", "fork")
    [state], [newtask] = recording.rows("newtask_state"), recording.rows("newtask")
    zero = (
        "child_utime_ns", "child_stime_ns", "child_min_flt", "child_maj_flt", "child_switches",
        "child_pending", "child_shared_pending", "child_vfork_done", "child_has_children",
        "new_namespaces",
    )  # fmt: skip
    assert {name: state[name] for name in zero} == dict.fromkeys(zero, 0)
    assert state["child_stack"] not in (0, state["stack"])
    assert state["child_blocked"] == state["blocked"]
    assert (state["child_prio"], state["child_nr_threads"]) == (state["normal_prio"], 1)
    assert newtask["child_state"] == TASK_NEW
    assert newtask["child_flags"] & PF_FORKNOEXEC


def test_new_namespaces_are_told_one_by_one(recorded: Recorder, programs: Path) -> None:
    """CLONE_NEWUTS gives a new uts namespace and no other."""
    [state] = recorded(programs / "creations", "uts").rows("newtask_state")
    assert state["new_namespaces"] == NEW_UTS


def test_a_pid_that_exists_is_undone_from_the_pid_down(recorded: Recorder, programs: Path) -> None:
    """clone3(set_tid=own pid): everything was made, and is taken back in the ladder's order."""
    recording = recorded(programs / "creations", "exists")
    assert recording.numbers() == [[-17]]
    call, events = _call(recording)
    assert (call["result"], call["child_tid"]) == (-17, None)
    undone = events.filter(pl.col("what").is_in(FREES))
    objects = dict(events.filter(pl.col("what") == 1).select("object", "function").rows())
    order = [objects[address] for address in undone["object"] if address in objects]
    assert order[0] == "alloc_pid"
    made = events.filter((pl.col("what") == 1) & (pl.col("function") == COPY_PROCESS))
    kinds = dict(made.select("object", "cache").rows())
    ladder = [kinds[address] for address in undone["object"] if address in kinds]
    assert ladder == ["mm_struct", "signal_cache", "sighand_cache"]
    assert order.index("dup_fd") > order.index("vm_area_dup")
    assert recording.rows("newtask") == []
    # AND the command tells the step, the label, and what each label frees, in the model's order
    shown = recording.json("steps", "--failed")
    assert shown["failed_at"] == ["alloc_pid"]
    assert shown["undone_from"] == ["bad_fork_cleanup_thread"]
    assert [line["label"] for line in shown["undone"] if line["label"]] == [
        f"bad_fork_cleanup_{name}" for name in ("mm", "signal", "sighand", "fs", "files")
    ]


def test_the_limit_on_processes_shows_two_questions(recorded: Recorder, programs: Path) -> None:
    """EAGAIN after CAP_SYS_RESOURCE and CAP_SYS_ADMIN were refused, right behind copy_creds()."""
    recording = recorded(programs / "creations", "limit")
    assert recording.numbers() == [[-11]]
    _, events = _call(recording)
    asked = events.filter(pl.col("what") == 5).select("amount", "result").rows()
    if recording.shows_capabilities:
        assert asked == [(24, -1), (21, -1)]
    names = set(events["function"].drop_nulls())
    assert "prepare_creds" in names
    assert not names & {"dup_fd", "alloc_pid", "vm_area_dup"}
    failed_at = recording.json("steps", "--failed")["failed_at"]
    assert failed_at == ["nproc_limit"] or not recording.shows_capabilities


def test_a_refused_combination_allocates_nothing(recorded: Recorder, programs: Path) -> None:
    """CLONE_SIGHAND without CLONE_VM is refused before the first step."""
    recording = recorded(programs / "creations", "refused")
    assert recording.numbers() == [[-22]]
    call, events = _call(recording)
    assert call["result"] == -22
    assert events.is_empty()


def test_interrupts_are_sorted_out(recorded: Recorder, programs: Path) -> None:
    """What RCU frees in an interrupt on top of a call is none of the call's steps."""
    recording = recorded(programs / "storm", "2000")
    windows = Windows.of(recording.trace)
    assert len(windows.calls) == 2000
    assert windows.outside == 0
    assert "rcu_do_batch" not in set(windows.events["function"].drop_nulls())
    own = windows.events.filter((pl.col("what") == 1) & (pl.col("function") == "alloc_pid"))
    assert own["window"].to_list() == list(range(2000))


def test_steps_can_be_left_out(recorded: Recorder, programs: Path) -> None:
    """With --no-steps nothing of them is recorded, nor planned."""
    recording = recorded(programs / "creations", "fork", options=("--no-steps",))
    trace = recording.trace
    assert [trace.rows(name) for name in ("step", "newtask_state", "kernel_function")] == [0, 0, 0]
    facts = {row["fact"] for row in trace.metadata["plan"]}  # type: ignore[union-attr, call-overload, index]
    assert "slab_allocated" not in facts


def test_the_command_shows_a_creation(recorded: Recorder, programs: Path) -> None:
    """`proctrace steps` names the steps by the kernel's own model, and misses none."""
    recording = recorded(programs / "creations", "fork")
    [child] = recording.numbers()[0]
    found = recording.json("steps", "--pid", str(child))
    seen = {rung["step"]: rung["seen"] for rung in found["steps"]}
    assert "missing" not in seen.values()
    assert seen["copy_mm"] == seen["alloc_pid"] == "observed"
    sums = recording.json("steps")
    assert sums["creations"] == 1
    assert sum(row["ns"] for row in sums["rows"]) == sums["total_ns"]
