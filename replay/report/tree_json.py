# SPDX-License-Identifier: Apache-2.0
"""The process tree as JSON: a flat list of processes that name their parents.

A process is named `TGID@START_NS`, a task `TID@START_NS` (start_boottime of the leader and of the
task): pids are used again, these are not. Times are CLOCK_MONOTONIC ns; null where unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay.creation import how_created
from replay.names import CLONE_FLAGS, errno_name, flag_names, signal_name, syscall_name
from replay.report import json_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.process import (
        Creation,
        End,
        FailedExec,
        Image,
        Process,
        ProcessId,
        Task,
        TaskId,
        WaitOutcome,
    )
    from replay.report.tree import Tree


def process_items(tree: Tree) -> Iterator[dict[str, object]]:
    """Give every process of the tree, a parent before its children."""
    return (_process(process) for process, _ in tree.walk())


def id_text(id_: ProcessId | TaskId | None) -> str | None:
    """Give `4120@123456789`; None for none."""
    return None if id_ is None else f"{id_[0]}@{id_[1]}"


def _process(process: Process) -> dict[str, object]:
    birth = process.parents[0].parent if process.parents else None
    return {
        "id": id_text(process.id),
        "pid": process.id.tgid,
        "start_ns": process.id.start_ns,
        "parent": id_text(birth),
        "created": _creation(process.leader.creation),
        "before_recording": process.before_recording,
        "comm": json_text.text(process.leader.comm),
        "inherited": process.inherited and _image(process.inherited),
        "images": [_image(image) for image in process.images],
        "failed_execs": [_failed_exec(failed) for failed in process.failed_execs],
        "end": _end(process.end),
        "wait": _wait(process.wait),
        "parents": [
            {
                "since_ns": span.since_ns or None,
                "parent": id_text(span.parent),
                "reason": span.reason,
                "certainty": span.certainty,
            }
            for span in process.parents
        ],
        "children": [id_text(child) for child in process.children],
        "threads": [_thread(task) for task in process.tasks[1:]],
        "ns_pid": process.ns_pid or None,
        "pidns_level": process.pidns_level,
        "pidns_inum": process.pidns_inum or None,
        "uid": process.uid,
        "cgroup": process.cgroup or None,
        "kernel": process.leader.kernel,
        "certainty": process.certainty,
    }


def _creation(creation: Creation | None) -> dict[str, object] | None:
    if creation is None:
        return None
    return {
        "how": how_created(creation),
        "syscall": syscall_name(creation.syscall) if creation.syscall else None,
        "flags": flag_names(creation.clone_flags, CLONE_FLAGS),
        "exit_signal": signal_name(creation.exit_signal) if creation.exit_signal > 0 else None,
        "by": id_text(creation.caller),
        "time_ns": creation.time_ns,
        "enter_ns": creation.enter_ns or None,
        "return_ns": creation.return_ns or None,
        "blocked_ns": creation.blocked_ns,
        "wakeup_new_ns": creation.wakeup_new_ns or None,
        "first_run_ns": creation.first_run_ns or None,
        "certainty": creation.certainty,
    }


def _image(image: Image) -> dict[str, object]:
    return {
        "time_ns": image.time_ns or None,
        "argv": [json_text.text(argument) for argument in image.argv],
        "argv_truncated": image.argv_truncated,
        "path": json_text.text(image.path),
        "executable": json_text.text(image.executable),
        "interpreter": json_text.text(image.interpreter),
        "cwd": json_text.text(image.cwd),
        "environment": [json_text.text(variable) for variable in image.environment],
        "by": id_text(image.by),
        "enter_ns": image.enter_ns or None,
        "certainty": image.certainty,
    }


def _failed_exec(failed: FailedExec) -> dict[str, object]:
    return {
        "time_ns": failed.time_ns,
        "by": id_text(failed.by),
        "path": json_text.text(failed.path),
        "argv": [json_text.text(argument) for argument in failed.argv],
        "argv_truncated": failed.argv_truncated,
        "errno": errno_name(failed.errno),
    }


def _end(end: End | None) -> dict[str, object] | None:
    if end is None:
        return None
    return {
        "time_ns": end.time_ns,
        "status": None if end.signal else end.status,
        "signal": signal_name(end.signal) if end.signal else None,
        "core_dumped": end.core_dumped,
        "killed_by": id_text(end.killed_by),
        "min_flt": end.min_flt,
        "maj_flt": end.maj_flt,
        "utime_ns": end.utime_ns,
        "stime_ns": end.stime_ns,
        "runtime_ns": end.runtime_ns,
        "maxrss_pages": end.maxrss_pages,
    }


def _wait(wait: WaitOutcome | None) -> dict[str, object] | None:
    if wait is None:
        return None
    return {
        "choice": wait.choice,
        "reaper": id_text(wait.reaper),
        "wait_enter_ns": wait.wait_enter_ns or None,
        "reaped_ns": wait.reaped_ns or None,
        "blocked_ns": wait.blocked_ns,
        "zombie_ns": wait.zombie_ns,
        "certainty": wait.certainty,
    }


def _thread(task: Task) -> dict[str, object]:
    return {
        "id": id_text(task.id),
        "tid": task.id.tid,
        "comm": json_text.text(task.comm),
        "created": _creation(task.creation),
        "end": _end(task.end),
        "ns_tid": task.ns_tid or None,
        "certainty": task.certainty,
    }
