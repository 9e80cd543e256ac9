# SPDX-License-Identifier: Apache-2.0
"""Traces of creations that keep every rule, to be mutated by the tests of the checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay.checks.evidence import Evidence
from replay.checks.run import run_checks
from replay.checks.verdict import Outcome, Reason, Verdict
from replay.model.load import load_model
from tests.histories.fake import FakeTrace

if TYPE_CHECKING:
    from tests.histories.fake import Row

VM, FS, FILES, SIGHAND, PIDFD, VFORK, PARENT, THREAD = (
    0x100, 0x200, 0x400, 0x800, 0x1000, 0x4000, 0x8000, 0x10000,
)  # fmt: skip
NEWNS, SYSVSEM, PARENT_SETTID, NEWUTS, IO = 0x20000, 0x40000, 0x100000, 0x4000000, 0x80000000
PTHREAD = VM | FS | FILES | SIGHAND | THREAD | SYSVSEM
NEW_NAMESPACES = 0x7E020080
CLONE, FORK, CLONE3 = 56, 57, 435
SHARED_BY = {
    "mm": VM, "files": FILES, "fs": FS, "sighand": SIGHAND, "signal": THREAD, "cred": THREAD,
}  # fmt: skip
INUM = 0xEFFFFFFC
"""Of the initial pid namespace."""
SH = {"tid": 10, "tgid": 10, "start_ns": 1_000}
MODEL = load_model("linux-6.18")
TEXTBOOK = load_model("textbook")


def creations(*flags: int) -> FakeTrace:
    """Give a trace in which process 10 (child of 1) creates a task with each of these flags."""
    trace = FakeTrace()
    trace.add(
        "adopted", time_ns=5, **SH, leader_start_ns=1_000, exit_signal=17, real_parent_tid=1,
        real_parent_tgid=1, real_parent_start_ns=1, pidns_inum=INUM, ns_tid=10,
    )  # fmt: skip
    trace.add("end_task", **SH, leader_start_ns=1_000)
    for index, one in enumerate(flags):
        create(trace, one, 11 + index, 1_000 * (index + 1))
    return trace


def create(trace: FakeTrace, flags: int, tid: int, time_ns: int) -> None:
    """Let process 10 create the task `tid`, around a time, as Linux 6.18 does."""
    thread, signal = bool(flags & THREAD), -1 if flags & THREAD else 17
    pointers: dict[str, int] = {}
    for number, name in enumerate((*SHARED_BY, "nsproxy"), 1):
        shared = flags & SHARED_BY[name] if name in SHARED_BY else not flags & NEW_NAMESPACES
        pointers[name] = number << 12
        pointers[f"child_{name}"] = pointers[name] + (0 if shared else 8 * tid)
    parent = 1 if flags & (THREAD | PARENT) else 10
    born = {"child_tid": tid, "child_start_ns": time_ns}
    trace.add(
        "newtask", time_ns=time_ns, **SH, **born, child_tgid=10 if thread else tid,
        child_leader_start_ns=1_000 if thread else time_ns, clone_flags=flags,
        exit_signal=signal, child_state=0x800, child_flags=0x400040, flags=0x400100, **pointers,
        real_parent_tid=parent, real_parent_tgid=parent,
        real_parent_start_ns=1 if parent == 1 else 1_000, pidns_inum=INUM, ns_tid=tid,
    )  # fmt: skip
    trace.add("end_task", tid=tid, tgid=10 if thread else tid, start_ns=time_ns,
              leader_start_ns=1_000 if thread else time_ns)  # fmt: skip
    trace.add(
        "newtask_state", time_ns=time_ns, tid=10, **born, stack=1 << 20, pending=1,
        child_stack=(1 << 20) + tid, seccomp_filter=7, child_seccomp_filter=7, io_context=9,
        child_io_context=9 if flags & IO else 0, undo_list=0x99,
        child_undo_list=0x99 if flags & SYSVSEM else 0, child_nr_threads=1 + thread,
    )  # fmt: skip
    trace.add(
        "clone_call", time_ns=time_ns + 100, **SH, enter_ns=time_ns - 100, syscall=CLONE,
        flags=flags, exit_signal=0 if thread else 17, result=tid,
    )  # fmt: skip
    trace.add("started", time_ns=time_ns + 200, tid=tid, tgid=tid, start_ns=time_ns)


def fail(trace: FakeTrace, errno: int, flags: int = 0, syscall: int = CLONE, **more: int) -> None:
    """Let process 10 call clone in vain."""
    row = {"exit_signal": 17, "args_read": 1, **more}
    trace.add("clone_call", time_ns=90_000, **SH, enter_ns=89_000, syscall=syscall, flags=flags,
              result=-errno, **row)  # fmt: skip


def only(trace: FakeTrace, table: str = "newtask", index: int = 0) -> Row:
    """Give a row to mutate."""
    return trace.rows[table][index]


def verdicts(trace: FakeTrace, model: str = "") -> dict[str, Verdict]:
    """Give the verdict of each rule."""
    chosen = load_model(model) if model else MODEL
    return {verdict.rule: verdict for verdict in run_checks(trace, chosen)}


def violated(trace: FakeTrace) -> set[str]:
    """Give the rules that a trace violates."""
    found = verdicts(trace).items()
    return {rule for rule, verdict in found if verdict.outcome is Outcome.VIOLATION}


def is_lost(verdict: Verdict) -> bool:
    """Say whether a verdict is unknown because of loss."""
    return verdict.outcome is Outcome.UNKNOWN and verdict.reason is Reason.LOST


def evidence(trace: FakeTrace) -> Evidence:
    """Give a trace as evidence against the model of 6.18."""
    return Evidence(trace, MODEL)
