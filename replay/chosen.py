# SPDX-License-Identifier: Apache-2.0
"""The process that a user means by a pid."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from replay.process import ProcessId
from traces.errors import STATUS_UNUSABLE_INPUT, ProctraceError
from traces.shown import shown

if TYPE_CHECKING:
    from replay.forest import ProcessForest
    from replay.process import Process

_MOST_LISTED: Final = 8


def chosen_process(forest: ProcessForest, text: str) -> Process:
    """Give the process that `PID` or `PID@START_NS` names.

    START_NS is the start time as `tree --json` has it in its ids, and is needed only where a pid
    was used by several processes. Anything else is a ProctraceError that says what there is.
    """
    pid, at, start = text.partition("@")
    if not _is_number(pid) or (at and not _is_number(start)):
        raise _error(f"{text!a} is no pid", "a pid is a number, as in 4120", _SHOW_ALL)
    named = [process for process in forest.processes.values() if process.id.tgid == int(pid)]
    if at:
        found = forest.processes.get(ProcessId(int(pid), int(start)))
        if found is None:
            why = f"the processes with this pid are {_listed(named)}" if named else _others(forest)
            raise _error(f"no process {text} in this recording", why, _SHOW_ALL)
        return found
    if not named:
        raise _not_there(forest, pid)
    if len(named) > 1:
        raise _error(
            f"pid {pid} was used by {len(named)} processes",
            f"they are {_listed(named)}",
            f"take one of them, as in {named[0].id.tgid}@{named[0].id.start_ns}",
        )
    return named[0]


_SHOW_ALL: Final = "'proctrace tree FILE' shows every process"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _not_there(forest: ProcessForest, pid: str) -> ProctraceError:
    what = f"no process {pid} in this recording"
    for task in forest.tasks.values():
        if task.id.tid == int(pid):
            tgid = task.process.tgid
            return _error(what, f"{pid} is a thread of process {tgid}", f"did you mean {tgid}?")
    for process in forest.processes.values():
        if process.ns_pid == int(pid):
            why = f"{pid} is what process {process.id.tgid} is called in its pid namespace"
            return _error(what, why, f"did you mean {process.id.tgid}?")
    close = get_close_matches(pid, [str(one.tgid) for one in forest.processes])
    hint = f"did you mean {close[0]}? {_SHOW_ALL}" if close else _SHOW_ALL
    return _error(what, _others(forest), hint)


def _others(forest: ProcessForest) -> str:
    count = len(forest.processes)
    listed = ", ".join(str(process.tgid) for process in list(forest.processes)[:_MOST_LISTED])
    more = ", ..." if count > _MOST_LISTED else ""
    return f"it has {count:,} process{'es' * (count != 1)}: {listed}{more}"


def _listed(processes: list[Process]) -> str:
    first = processes[0].id.start_ns
    names = [
        f"{process.id.tgid}@{process.id.start_ns} ({_name(process)}, "
        f"started {(process.id.start_ns - first) / 1e6:,.1f} ms after the first)"
        if process.id.start_ns != first
        else f"{process.id.tgid}@{process.id.start_ns} ({_name(process)})"
        for process in processes[:_MOST_LISTED]
    ]
    return ", ".join(names) + (", ..." if len(processes) > _MOST_LISTED else "")


def _name(process: Process) -> str:
    image = process.images[-1] if process.images else process.inherited
    if image is not None and image.argv:
        return shown(b" ".join(image.argv)[:40])
    return shown(process.leader.comm) or "?"


def _error(what: str, why: str, hint: str) -> ProctraceError:
    return ProctraceError(what, why, hint, status=STATUS_UNUSABLE_INPUT)
