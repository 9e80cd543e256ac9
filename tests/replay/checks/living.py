# SPDX-License-Identifier: Apache-2.0
"""What happens to tasks after their creation, told row by row, and the steps of creations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.replay.checks.creating import (
    FILES,
    FS,
    INUM,
    NEW_NAMESPACES,
    SIGHAND,
    THREAD,
    VM,
    creations,
)  # fmt: skip

if TYPE_CHECKING:
    from tests.histories.fake import FakeTrace

SITES = ("copy_process", "prepare_creds", "dup_fd", "copy_fs_struct", "vm_area_dup",
         "create_new_namespaces", "alloc_pid", "__mmdrop", "kmem_cache_free")  # fmt: skip
CACHES = ("task_struct", "cred_jar", "files_cache", "fs_cache", "sighand_cache", "signal_cache",
          "mm_struct", "vm_area_struct", "nsproxy", "pid")  # fmt: skip
STEPS = (
    ("copy_process", "task_struct", 0), ("prepare_creds", "cred_jar", THREAD),
    ("dup_fd", "files_cache", FILES), ("copy_fs_struct", "fs_cache", FS),
    ("copy_process", "sighand_cache", SIGHAND), ("copy_process", "signal_cache", THREAD),
    ("copy_process", "mm_struct", VM), ("vm_area_dup", "vm_area_struct", VM),
    ("create_new_namespaces", "nsproxy", NEW_NAMESPACES), ("alloc_pid", "pid", 0),
)  # fmt: skip
"""(function, cache, flags with which it is not allocated) in the order of Linux 6.18."""
LADDER = ("mm_struct", "signal_cache", "sighand_cache", "fs_cache", "files_cache")


def identity(tid: int, start_ns: int, tgid: int = 0) -> dict[str, int]:
    """Give the columns that name a task."""
    return {"tid": tid, "tgid": tgid or tid, "start_ns": start_ns}


def family(*flags: int) -> FakeTrace:
    """Give `creations` of a 6.18 host."""
    trace = creations(*flags)
    trace.metadata["host"] = {"kernel": "6.18.2"}
    return trace


def with_steps(trace: FakeTrace) -> FakeTrace:
    """Add to each creation of a trace the steps that its flags ask for."""
    for number, name in enumerate(SITES):
        trace.add("kernel_function", address=(number + 1) << 12, bytes=1 << 12, name=name.encode())
    for number, name in enumerate(CACHES):
        trace.add("slab_cache", tid=10, cache=number + 1, name=name.encode())
    for call in trace.rows["clone_call"]:
        allocate(trace, call["enter_ns"], call["flags"])
    return trace


def allocate(trace: FakeTrace, enter_ns: int, flags: int, up_to: str = "pid") -> None:
    """Let task 10 allocate, from a moment on, what a creation with these flags does."""
    for number, (site, cache, shared_by) in enumerate(STEPS):
        new = flags & shared_by if cache == "nsproxy" else not flags & shared_by
        if new:
            at_ns = enter_ns + 1 + number
            place = ((SITES.index(site) + 1) << 12) + 5
            trace.add("step", time_ns=at_ns, tid=10, what=1, site=place,
                      cache=CACHES.index(cache) + 1, object=enter_ns * 100 + number)  # fmt: skip
        if cache == up_to:
            return


def undo(trace: FakeTrace, enter_ns: int) -> None:
    """Let task 10 free what a failed creation made, as the ladder does."""
    made = {CACHES[row["cache"] - 1]: row for row in trace.rows["step"]
            if enter_ns <= row["time_ns"] < enter_ns + 50}  # fmt: skip
    for number, cache in enumerate(one for one in LADDER if one in made):
        trace.add("step", time_ns=enter_ns + 60 + number, tid=10, what=2, site=(8 << 12) + 5,
                  cache=made[cache]["cache"], object=made[cache]["object"])  # fmt: skip


def end(trace: FakeTrace, who: dict[str, int], time_ns: int, code: int = 0, **more: int) -> None:
    """Let a task end; `more` are columns of `exit`."""
    row = {"group_dead": 1, "real_parent_tid": 10, "real_parent_tgid": 10, "mm": 1 << 12,
           "real_parent_start_ns": 1_000, "min_flt": 5, **more}  # fmt: skip
    trace.drop("end_task", tid=who["tid"], start_ns=who["start_ns"])
    trace.add("exit", time_ns=time_ns, **who, exit_code=code, **row)
    state = 0x20 if who["tid"] == who["tgid"] else 0x10
    trace.add("dead", time_ns=time_ns + 10, **who, exit_state=state, leader_exit_state=0x20)


def reap(trace: FakeTrace, pid: int, time_ns: int, status: int = 0, **more: int) -> None:
    """Let process 10 reap a child by wait4."""
    row = {**identity(10, 1_000), "enter_ns": time_ns - 5, "syscall": 61, "idtype": -1, "id": -1,
           "result": pid, "ns_pid": pid, "got": 3, "ru_minflt": 5, **more}  # fmt: skip
    trace.add("wait", time_ns=time_ns, status=status, **row)


def execute(trace: FakeTrace, who: dict[str, int], time_ns: int, **more: int) -> None:
    """Let a task execute; it has the mm 1 << 12 before, and another afterwards."""
    row = {"old_tid": who["tid"], "old_start_ns": who["start_ns"], "enter_ns": time_ns - 10,
           "pidns_inum": INUM, "ns_tid": who["tid"], "mm": 9 << 12, "old_mm": 1 << 12,
           **more}  # fmt: skip
    trace.add("exec", time_ns=time_ns, **who, **row)
