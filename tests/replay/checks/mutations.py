# SPDX-License-Identifier: Apache-2.0
"""For every rule a trace that keeps it, and a mutation that breaks this rule and no other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.replay.checks.creating import CLONE3, PTHREAD, SIGHAND, VFORK, VM, fail, only
from tests.replay.checks.living import (
    allocate,
    end,
    execute,
    family,
    identity,
    reap,
    undo,
    with_steps,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.histories.fake import FakeTrace

CHILD = identity(11, 1_000)
EXEC_ERRNO: Final = 2
FRAME = 1 << 12
OWN_MODEL = "name: mine\ntitle: Mine\nextends: linux-6.18\n"
SWAPPED = """\
steps:
  clear_members: {after: [max_threads]}
  task_flags: {after: [clear_members]}
  cgroup_fork: {after: [task_flags]}
"""


@dataclass(frozen=True)
class Mutation:
    """One way to break a rule."""

    whole: Callable[[], FakeTrace]
    """Gives a trace that has at least one case of the rule, and keeps it."""
    mutate: Callable[[FakeTrace], None]
    lose: tuple[str, dict[str, int]]
    """Table and columns of the rows that are lost instead."""
    model: str = "linux-6.18"
    """By name, or as the text of a file."""
    mutated_model: str = ""
    """The model that is broken instead of the trace."""
    ring: bytes = b"events"


def life() -> FakeTrace:
    """Process 10 forks 11, which executes, ends with status 3 and is reaped; 10 is there still."""
    trace = family(0)
    only(trace, "started")["wakeup_new_ns"] = 1_020
    only(trace, "started").update(fork_ns=1_010, time_ns=1_050)
    execute(trace, CHILD, 2_000, old_mm=only(trace)["child_mm"])
    end(trace, CHILD, 3_000, 3 << 8, mm=9 << 12)
    reap(trace, 11, 4_000, 3 << 8)
    return trace


def threads() -> FakeTrace:
    """Process 10 makes thread 11, which ends; then its leader executes."""
    trace = family(PTHREAD)
    thread = identity(11, 1_000, 10)
    end(trace, thread, 2_000, group_dead=0, real_parent_tid=1, real_parent_tgid=1)
    execute(trace, identity(10, 1_000), 2_500, enter_ns=1_990, ns_tid=10)
    return trace


def steps() -> FakeTrace:
    """Fork, with the steps."""
    trace = with_steps(family(0))
    end(trace, CHILD, 3_000, mm=only(trace)["child_mm"])
    return trace


def failed() -> FakeTrace:
    """Fail by clone3 with EEXIST: the pid that was asked for is taken."""
    trace = steps()
    fail(trace, 17, syscall=CLONE3)
    allocate(trace, 89_000, 0)
    undo(trace, 89_000)
    return trace


def refused() -> FakeTrace:
    """Ask for CLONE_SIGHAND without CLONE_VM, and be refused."""
    trace = family(0)
    fail(trace, 22, SIGHAND)
    end(trace, CHILD, 3_000, mm=only(trace)["child_mm"])
    return trace


def vfork() -> FakeTrace:
    """Process 10 sleeps until its child executes."""
    trace = family(VM | VFORK)
    only(trace, "clone_call").update(
        time_ns=2_100, sleeps=1, blocked_ns=1_050, woken_ns=1_995, waker_tid=11
    )
    execute(trace, CHILD, 2_000)
    end(trace, CHILD, 3_000, mm=9 << 12)
    return trace


def failed_exec() -> FakeTrace:
    """Child 11 fails to execute, and ends."""
    trace = life()
    trace.drop("exec")
    only(trace, "exit")["mm"] = only(trace)["child_mm"]
    trace.add("exec_failed", time_ns=2_000, **CHILD, enter_ns=1_990, syscall=59, result=-EXEC_ERRNO)
    return trace


def orphans() -> FakeTrace:
    """Child 11 makes 12 and ends; 12 is given to process 10."""
    trace = family(0)
    row = {**only(trace), "time_ns": 2_000, **CHILD, "child_tid": 12, "child_tgid": 12,
           "child_start_ns": 2_000, "child_leader_start_ns": 2_000, "real_parent_tid": 11,
           "real_parent_tgid": 11, "ns_tid": 12}  # fmt: skip
    row.update({name: value for name, value in row.items() if name.startswith("child_")})
    trace.add("newtask", **row)
    trace.add("clone_call", time_ns=2_100, **CHILD, enter_ns=1_900, syscall=56, exit_signal=17,
              result=12)  # fmt: skip
    trace.add("orphan", time_ns=3_000, **CHILD, child_tid=12, child_tgid=12, child_start_ns=2_000)
    end(trace, CHILD, 3_000, mm=only(trace)["child_mm"], orphans=1)
    only(trace, "dead").update(reaper_tid=10, reaper_tgid=10, reaper_start_ns=1_000)
    trace.add("end_task", tid=12, tgid=12, start_ns=2_000, leader_start_ns=2_000)
    return trace


def write_fault() -> FakeTrace:
    """Process 10 writes to a page that is its own alone, and reuses it."""
    trace = life()
    trace.add(
        "fault", time_ns=5_000, tid=10, took_ns=100, address=0x7000, old_level=1, new_level=1,
        old_pte=(77 * FRAME) | 0x61 | 1 << 58, new_pte=(77 * FRAME) | 0x67, error_code=7,
        flags=4 | 8 | 16, refcount=1, mapcount=1,
    )  # fmt: skip
    return trace


def _set(table: str, index: int = 0, **values: int) -> Callable[[FakeTrace], None]:
    return lambda trace: only(trace, table, index).update(values)


def _copies(trace: FakeTrace) -> None:
    only(trace, "fault")["new_pte"] = (78 * FRAME) | 0x67


def _again(table: str, **values: int) -> Callable[[FakeTrace], None]:
    return lambda trace: trace.add(table, **{**only(trace, table), **values})


def _swap_steps(trace: FakeTrace) -> None:
    one, other = only(trace, "step", 2), only(trace, "step", 3)
    one["time_ns"], other["time_ns"] = other["time_ns"], one["time_ns"]


def _drop_step(cache: int) -> Callable[[FakeTrace], None]:
    def drop(trace: FakeTrace) -> None:
        trace.drop("step", cache=cache, what=1)

    return drop


def _nothing(_: FakeTrace) -> None:
    """Leave the trace as it is."""


NEWTASK = ("newtask", {"child_tid": 11})
MUTATIONS: Final[dict[str, Mutation]] = {
    "refused-flags": Mutation(refused, _set("clone_call", 1, result=-11),
                              ("clone_call", {"flags": SIGHAND})),
    "step-errors": Mutation(refused, _set("clone_call", 1, flags=0, result=-10),
                            ("clone_call", {"time_ns": 90_000})),
    "failing-step": Mutation(failed, lambda trace: trace.rows["step"].remove(
        trace.of("step", cache=4, what=1)[1]), ("step", {"cache": 4})),
    "undo-ladder": Mutation(failed, lambda trace: trace.rows["step"].remove(
        trace.of("step", cache=3, what=2)[0]), ("step", {"what": 2})),
    "step-presence": Mutation(steps, _drop_step(3), ("step", {"cache": 3})),
    "step-order": Mutation(steps, _swap_steps, ("step", {"cache": 3})),
    "source-order": Mutation(steps, _nothing, NEWTASK, OWN_MODEL, OWN_MODEL + SWAPPED),
    "shared-objects": Mutation(life, _set("newtask", child_files=3 << 12, files=3 << 12), NEWTASK),
    "new-task-state": Mutation(life, _set("newtask", child_state=0), NEWTASK),
    "new-task-flags": Mutation(life, _set("newtask", child_flags=0), NEWTASK),
    "new-task-members": Mutation(life, _set("newtask_state", child_utime_ns=7),
                                 ("newtask_state", {})),
    "parent-and-group": Mutation(life, _set("newtask", real_parent_tid=1, real_parent_tgid=1),
                                 NEWTASK),
    "exit-signal": Mutation(steps, _set("newtask", exit_signal=10), NEWTASK),
    "birth-order": Mutation(life, _set("started", time_ns=1_015), ("started", {})),
    "returned-pid": Mutation(life, _set("clone_call", result=99), ("clone_call", {})),
    "child-runs-first": Mutation(life, _set("started", time_ns=1_300), ("started", {}), "textbook"),
    "vfork-wait": Mutation(vfork, _set("clone_call", time_ns=1_900, woken_ns=1_850),
                           ("exec", {})),
    "cow-decision": Mutation(write_fault, _copies, ("fault", {}), ring=b"fault ring"),
    "exec-identity": Mutation(threads, _set("exec", mm=1 << 12), ("exec", {})),
    "exec-threads": Mutation(threads, _set("exit", time_ns=2_700), ("exit", {})),
    "exec-failed": Mutation(failed_exec, _set("exit", mm=0xBAD000), ("exec_failed", {})),
    "exit-once": Mutation(life, _again("exit", time_ns=3_500, group_dead=0, min_flt=0),
                          ("exit", {})),
    "auto-reap": Mutation(threads, _set("dead", exit_state=0x20), ("dead", {})),
    "reparenting": Mutation(orphans, _set("dead", reaper_tid=12, reaper_tgid=12,
                                             reaper_start_ns=2_000), ("dead", {})),
    "wait-child": Mutation(life, _set("exit", real_parent_tid=12, real_parent_tgid=12),
                           ("exit", {})),
    "wait-status": Mutation(life, _set("wait", status=0), ("exit", {})),
    "reaped-once": Mutation(life, _again("wait", time_ns=5_000), ("wait", {})),
}  # fmt: skip
"""By rule."""
