# SPDX-License-Identifier: Apache-2.0
"""Tests of replay.steps.ladder: one call against the model."""

from __future__ import annotations

from replay.model.load import load_model
from replay.names import CLONE_VFORK, CLONE_VM
from replay.steps.effects import effects
from replay.steps.ladder import Ladder, Seen, ladder
from replay.steps.naming import named
from replay.steps.windows import Windows
from tests.replay.steps.story import FORK, SLAB_ALLOC, StepsTrace, steps_trace


def _ladder(trace: StepsTrace, window: int, *failed_at: str) -> Ladder:
    windows = Windows.of(trace)
    model = load_model("linux-6.18")
    call = windows.calls.row(window, named=True)
    effect = effects(trace, model, call)
    return ladder(call, named(windows.moments, model), model, effect, failed_at)


def _seen(found: Ladder) -> dict[str, Seen]:
    return {rung.step: rung.seen for rung in found.rungs}


def test_a_fork_takes_every_step() -> None:
    """Nothing is missing, and what is copied and shared is told by the pointers."""
    found = _ladder(steps_trace(), 0)
    seen = _seen(found)
    assert Seen.MISSING not in seen.values()
    assert Seen.NOT_REACHED not in seen.values()
    assert seen["copy_mm"] == seen["alloc_pid"] == seen["task_newtask"] == Seen.OBSERVED
    sharing = {rung.step: rung.sharing for rung in found.rungs}
    assert (sharing["copy_files"], sharing["copy_mm"]) == ("copied", "copied")
    assert sharing["copy_namespaces"] == "shared"
    assert sum(rung.took_ns for rung in found.rungs) == found.call["time_ns"] - (
        found.call["enter_ns"] + 1_000
    )
    assert found.undone == ()


def test_a_step_that_is_not_there_is_missing() -> None:
    """A fork without a new files_struct would be told."""
    trace = steps_trace()
    trace.rows["step"].pop(2)
    assert _seen(_ladder(trace, 0))["copy_files"] is Seen.MISSING


def test_a_thread_shares_and_is_asked_for_less() -> None:
    """Steps that the flags take away are not missing."""
    found = _ladder(steps_trace(), 1)
    assert Seen.MISSING not in _seen(found).values()
    rungs = {rung.step: rung for rung in found.rungs}
    assert rungs["copy_files"].sharing == "shared"
    assert rungs["copy_files"].seen is Seen.EFFECT
    assert rungs["copy_thread"].seen is Seen.UNOBSERVABLE


def test_what_is_left_behind_against_the_model_is_told() -> None:
    """Even of a step that shows itself: here a fork whose child has its parent's memory."""
    trace = steps_trace()
    trace.rows["newtask"][0]["child_mm"] = trace.rows["newtask"][0]["mm"]
    assert _seen(_ladder(trace, 0))["copy_mm"] is Seen.DIFFERS


def test_what_only_clone3_takes_is_not_expected_of_a_fork() -> None:
    """The ladder has the steps of the call that was made."""
    trace = steps_trace()
    assert "clone3_args" not in _seen(_ladder(trace, 0))
    assert "clone3_args" in _seen(_ladder(trace, 2))


def test_a_vfork_parents_sleep_is_counted_once() -> None:
    """It is the time of vfork_wait alone, and the times still add up."""
    trace = StepsTrace()
    enter_ns = trace.tick()
    trace.step(SLAB_ALLOC, "copy_process", "task_struct")
    trace.child(11, CLONE_VFORK | CLONE_VM)
    trace.now_ns += 50_000
    flags = CLONE_VFORK | CLONE_VM
    trace.call(enter_ns, 11, syscall=FORK, flags=flags, blocked_total_ns=49_000)
    found = _ladder(trace, 0)
    took_ns = {rung.step: rung.took_ns for rung in found.rungs}
    assert (took_ns["wake_up_new_task"], took_ns["vfork_wait"]) == (2_000, 49_000)
    assert sum(took_ns.values()) == found.call["time_ns"] - enter_ns - 1_000


def test_a_failed_call_ends_somewhere_and_is_undone() -> None:
    """Later steps were not reached; runs of like events are one line."""
    found = _ladder(steps_trace(), 2)
    seen = _seen(found)
    assert seen["alloc_pid"] is Seen.OBSERVED
    assert (found.failed_at, found.entered_at) == ((), ())
    assert seen["task_newtask"] is seen["wake_up_new_task"] is Seen.NOT_REACHED
    assert [(run.function, run.cache, run.count) for run in found.undone] == [
        ("alloc_pid", "pid", 1),
        ("vm_area_free", "vm_area_struct", 3),
        ("__mmdrop", "mm_struct", 1),
    ]


def test_where_a_call_failed() -> None:
    """One step that alone gives the error, or several; those before the first were reached."""
    one = _seen(_ladder(steps_trace(), 2, "cgroup_can_fork"))
    assert (one["cgroup_can_fork"], one["set_parent"]) == (Seen.FAILED, Seen.NOT_REACHED)
    several = _ladder(steps_trace(), 2, "pidfd", "cgroup_can_fork", "pidns_dying")
    seen = _seen(several)
    assert seen["cgroup_can_fork"] is seen["pidns_dying"] is Seen.MAY_HAVE_FAILED
    assert several.entered_at[:2] == ("bad_fork_free_pid", "bad_fork_put_pidfd")
