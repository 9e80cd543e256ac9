# SPDX-License-Identifier: Apache-2.0
"""Who waits for whom: do_wait() (kernel/exit.c) and what becomes of zombies."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from replay.scenario.plan import NOBODY, Code
from replay.scenario.words import SIGCHLD, WNOHANG, WNOWAIT
from replay.simulator.openness import Choice
from replay.simulator.tasks import Process, State, Task

if TYPE_CHECKING:
    from replay.scenario.plan import Operation
    from replay.simulator.host import Host

_WAIT4, _WAITID = 61, 247
_CLD_EXITED, _CLD_KILLED = 1, 2
_P_PID: Final = 1


def wait(host: Host, task: Task, operation: Operation) -> bool:
    """Try to finish a wait; tells whether its operation is over. Else the task sleeps in it."""
    by_all = operation.code is Code.WAIT_ALL
    actor, options = (NOBODY, 0) if by_all else operation.numbers[:2]
    slept = task.state is State.CHILD
    if not slept:
        task.since_ns = host.tick()
    known = host.processes.get(actor)
    children = [child for child in task.process.children() if actor == NOBODY or child is known]
    zombies = [child for child in children if child.zombie]
    if zombies:
        _note_choice(host, task, operation, children, zombies)
        _report(host, task, operation, zombies[0], slept=slept)
        task.state = State.READY
        return not by_all
    if options & WNOHANG and children:
        _note_choice(host, task, operation, children, zombies)
        _row(host, task, operation, {"result": 0}, slept=slept)
        return True
    if not children:
        if task.process.ignores_children and not options & WNOHANG:
            _come_after_ends(host, task, actor)
        _row(host, task, operation, {"result": -errno.ECHILD}, slept=slept)
        return True
    task.state = State.CHILD
    return False


def _come_after_ends(host: Host, task: Task, actor: int) -> None:
    """Come after the ends of ignored children: the call sleeps until there is none."""
    known = host.processes.get(actor)
    for child in host.processes.values():
        parent = child.real_parent
        if parent is None or parent.process is not task.process or child.ended_at is None:
            continue
        if actor == NOBODY or child is known:
            task.clock.receive(child.ended_at)


def _note_choice(
    host: Host, task: Task, operation: Operation, children: list[Process], zombies: list[Process]
) -> None:
    """Remember what else this call might report, for `openness` to judge at the end."""
    options = 0 if operation.code is Code.WAIT_ALL else operation.numbers[1]
    asks_one = len(children) == 1 and not options & WNOHANG
    if not asks_one:
        begin = task.clock.tick()
        host.choices.append(
            Choice(task.plan.name, task.at, begin, bool(options & WNOHANG), tuple(children),
                   zombies[0] if zombies else None)
        )  # fmt: skip


def _report(host: Host, task: Task, operation: Operation, child: Process, *, slept: bool) -> None:
    """Return a zombie, and let it go unless it was only looked at."""
    code, by_id = child.exit_code, operation.code is Code.WAITID
    if child.ended_at is not None:
        task.clock.receive(child.ended_at)
    signal = code & 0x7F
    values = {"ns_pid": child.tgid, "got": 3, "ru_minflt": _faults_of(child)}
    values["result"] = 0 if by_id else child.tgid
    if by_id:
        values |= {"code": _CLD_KILLED if signal else _CLD_EXITED, "got": 7,
                   "status": signal or code >> 8}  # fmt: skip
    else:
        values["status"] = code
    if not (by_id and operation.numbers[1] & WNOWAIT):
        child.zombie, child.reaped = False, True
        child.reaper, child.reaper_slept = task.process, slept
    _row(host, task, operation, values, slept=slept)


def _faults_of(process: Process) -> int:
    return sum(task.min_flt for task in process.threads)


def _row(
    host: Host, task: Task, operation: Operation, values: dict[str, int], *, slept: bool
) -> None:
    by_id = operation.code is Code.WAITID
    actor, options, idtype = _asked(operation)
    identity = host.by_actor[actor].process.tgid if actor in host.by_actor else 0
    pid = identity if actor != NOBODY else 0 if by_id else -1
    blocked = {}
    if slept:
        blocked = {"blocked_ns": task.since_ns, "blocked_total_ns": host.now_ns - task.since_ns,
                   "woken_ns": host.now_ns, "sleeps": 1}  # fmt: skip
    host.rows.add(
        "wait", time_ns=host.tick(), **host.is_(task), enter_ns=task.since_ns, id=pid,
        syscall=_WAITID if by_id else _WAIT4, idtype=idtype if by_id else -1, options=options,
        **values, **blocked,
    )  # fmt: skip


def _asked(operation: Operation) -> tuple[int, int, int]:
    if operation.code is Code.WAIT_ALL:
        return NOBODY, 0, 0
    numbers = (*operation.numbers, 0)
    return numbers[0], numbers[1], numbers[2]


def unfinished(host: Host, task: Task, operation: Operation) -> None:
    """Write the wait that had not returned as the simulation ended."""
    by_id = operation.code is Code.WAITID
    actor, options, idtype = _asked(operation)
    known = host.by_actor.get(actor)
    pid = known.process.tgid if known is not None else 0 if by_id else -1
    host.rows.add("wait", time_ns=host.tick(), **host.is_(task), enter_ns=task.since_ns,
                  unfinished=1, syscall=_WAITID if by_id else _WAIT4, id=pid,
                  idtype=idtype if by_id else -1, options=options)  # fmt: skip


def child_changed(host: Host, process: Process) -> None:
    """Wake all threads of a parent that wait, since a child ended or was given to it."""
    parent = process.real_parent
    if parent is None:
        return
    for task in parent.process.living():
        if task.state is State.CHILD and task not in host.ready:
            host.ready.append(task)


def reparented(host: Host, child: Process, reaper: Task | None, *, same: bool) -> None:
    """Give a child to its reaper; one that was a zombie is reaped where nobody is to wait."""
    child.real_parent = reaper
    child.abandoned = child.abandoned or (child.zombie and not same)
    if reaper is None:
        child.to_init = True
        child.exit_signal = SIGCHLD
        # init waits for whatever it gets.
        child.reaped, child.zombie = child.reaped or child.zombie, False
        return
    reaper.children.append(child)
    if same:
        return
    child.exit_signal = SIGCHLD
    if child.zombie and reaper.process.ignores_children:
        child.zombie, child.reaped = False, True
    child_changed(host, child)
