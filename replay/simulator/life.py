# SPDX-License-Identifier: Apache-2.0
"""How tasks come to be, execute and end: kernel_clone(), begin_new_exec(), do_exit()."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from replay.scenario.words import CLONE3, PARENT, SIGCHLD, THREAD, VFORK, VM
from replay.simulator.tasks import Process, State, Task, new_reaper
from replay.simulator.waiting import child_changed, reparented

if TYPE_CHECKING:
    from replay.scenario.plan import Operation
    from replay.simulator.host import Host
    from replay.simulator.order import Stamp

SHARED_BY: Final = {"files": 0x400, "fs": 0x200, "sighand": 0x800, "signal": THREAD,
                    "cred": THREAD}  # fmt: skip
"""The flag by which parent and child share an object; credentials only threads do."""
_NEW_NAMESPACES: Final = 0x6E020000
_NEWPID: Final = 0x20000000
_SIGKILL: Final = 9
_ZOMBIE, _DEAD = 0x20, 0x10


def create(host: Host, task: Task, operation: Operation, stamp: Stamp) -> None:
    """Create a task, or fail as the model says."""
    flags, signal, syscall = operation.numbers[1:]
    enter_ns = host.tick()
    call = {"enter_ns": enter_ns, "flags": flags, "exit_signal": signal, "syscall": syscall,
            "args_read": int(syscall == CLONE3)}  # fmt: skip
    refused = _refusal(host, flags, signal, syscall)
    if refused:
        _returns(host, task, call, -refused)
        return
    child = _copied(host, task, operation, stamp)
    child.clock.receive(stamp)
    child.born_at = stamp
    _newtask(host, task, child, flags)
    if flags & VFORK:
        task.state, task.since_ns = State.VFORK, host.now_ns
        task.vfork_call = call
        child.vfork_parent = task
        _starts(host, child)
    else:
        _returns(host, task, call, child.tid)
        _starts(host, child)
    host.wake(child)


def _refusal(host: Host, flags: int, signal: int, syscall: int) -> int:
    """Give the errno of a refused combination of flags, or 0."""
    name = "clone3" if syscall == CLONE3 else "clone"
    for refusal in host.model.refused:
        fits = refusal.when.holds(flags) and name in refusal.calls and not refusal.only_if
        if refusal.exit_signal == "nonzero":
            fits = fits and signal != 0
        elif refusal.exit_signal == "invalid":
            fits = fits and signal > 64
        if fits:
            return int(getattr(errno, refusal.errno))
    return 0


def _copied(host: Host, task: Task, operation: Operation, stamp: Stamp) -> Task:
    actor, flags, signal, _ = operation.numbers
    if flags & VM:
        space = task.space
        space.users += 1
    else:
        space = host.memory.forked(task.space, stamp)
    process = None
    if flags & THREAD:
        process = task.process
    child = host.new_task(process, actor, space)
    child.comm = task.comm
    child.objects = {
        name: pointer if flags & SHARED_BY.get(name, 0) else host.new_object()
        for name, pointer in task.objects.items()
    }
    if not flags & _NEW_NAMESPACES:
        child.objects["nsproxy"] = task.objects["nsproxy"]
    if process is None:
        _adopt(task, child.process, flags, signal)
        child.process.ignores_children = task.process.ignores_children
    return child


def _adopt(task: Task, process: Process, flags: int, signal: int) -> None:
    """Give a new process its parent: the caller, or with CLONE_PARENT the caller's."""
    parent: Task | None = task
    process.exit_signal = signal
    if flags & PARENT:
        parent, process.exit_signal = task.process.real_parent, task.process.exit_signal
        process.to_init = task.process.to_init
    process.real_parent = parent
    if parent is not None:
        parent.children.append(process)
        process.born_of = parent.process


def _newtask(host: Host, task: Task, child: Task, flags: int) -> None:
    leader = child.process.leader
    made = {f"child_{name}": pointer for name, pointer in child.objects.items()}
    signal = -1 if child is not leader else child.process.exit_signal
    host.rows.add(
        "newtask", time_ns=host.tick(), **host.is_(task), **host.is_(child, "child_"),
        child_leader_start_ns=leader.start_ns, clone_flags=flags, exit_signal=signal,
        **host.parent_of(child.process, "real_parent_"), child_state=0x800, child_flags=0x40,
        **host.lives_in(child), mm=task.space.mm, child_mm=child.space.mm, **task.objects, **made,
        comm=task.comm,
    )  # fmt: skip


def _starts(host: Host, child: Task) -> None:
    fork_ns, wakeup_ns = host.tick(), host.tick()
    host.rows.add("started", time_ns=host.tick(), **host.is_(child), fork_ns=fork_ns,
                  wakeup_new_ns=wakeup_ns)  # fmt: skip
    child.comm = child.plan.name.encode()


def _returns(host: Host, task: Task, call: dict[str, int], result: int, **slept: int) -> None:
    host.rows.add("clone_call", time_ns=host.tick(), **host.is_(task), result=result, **call,
                  **slept)  # fmt: skip


def release_vfork(host: Host, task: Task, stamp: Stamp) -> None:
    """Let the parent of a vfork child go on: mm_release()."""
    parent = task.vfork_parent
    task.vfork_parent = None
    if parent is None or parent.state is not State.VFORK:
        return
    parent.clock.receive(stamp)
    woken_ns = host.tick()
    slept = {"blocked_ns": parent.since_ns, "blocked_total_ns": woken_ns - parent.since_ns,
             "woken_ns": woken_ns, "waker_tid": task.tid, "sleeps": 1}  # fmt: skip
    _returns(host, parent, parent.vfork_call, task.tid, **slept)
    host.wake(parent)


def execute(host: Host, task: Task, argv: list[str], stamp: Stamp) -> None:
    """Put a new image in place, and end the other threads: begin_new_exec() (fs/exec.c)."""
    enter_ns, process, old = host.tick(), task.process, (task.tid, task.start_ns)
    host.group_ends.append((task, stamp))
    for other in process.living():
        if other is not task:
            other.clock.receive(stamp)
            end_task(host, other, _SIGKILL)
    leader = process.leader
    if task is not leader:
        task.tid, task.start_ns = leader.tid, leader.start_ns
        task.children = [*leader.children, *task.children]
        for child in task.children:
            child.real_parent = task
    process.threads = [task]
    space = host.memory.new_space()
    host.own(space, process)
    host.memory.leave(task.space, stamp)
    task.space = space
    release_vfork(host, task, stamp)
    host.executed(task, argv, enter_ns, old_tid=old[0], old_start_ns=old[1])


def end_group(host: Host, task: Task, code: int) -> None:
    """End a process with all its threads: do_group_exit()."""
    task.process.exit_code = code
    host.group_ends.append((task, task.clock.tick()))
    end_task(host, task, code, group=True)
    for other in task.process.living():
        end_task(host, other, code, group=True)


def end_task(host: Host, task: Task, code: int, *, group: bool = False) -> None:
    """End one task: do_exit()."""
    process, leader = task.process, task.process.leader
    if task.state is State.READY and task in host.ready:
        host.ready.remove(task)
    task.state = State.ENDED
    stamp = task.clock.tick()
    last = not process.living()
    task.ended_at = stamp
    if not group:
        task.own_code = code
    if task is leader and not group:
        process.exit_code = code
    children = [child for child in task.children if not child.reaped]
    time_ns = host.tick()
    host.rows.add(
        "exit", time_ns=time_ns, **host.is_(task), **host.parent_of(process, "real_parent_"),
        exit_code=code, group_exit_code=code if group else 0, signal_flags=4 if group else 0,
        group_dead=int(last), orphans=len(children), min_flt=task.min_flt, mm=task.space.mm,
        flags=0x400 if code & 0x7F else 0, comm=task.comm,
    )  # fmt: skip
    for child in children:
        host.rows.add("orphan", time_ns=time_ns, **host.is_(task), **host.is_(
            child.leader, "child_"))  # fmt: skip
    host.memory.leave(task.space, stamp)
    release_vfork(host, task, stamp)
    # exit_mm() lets the parent of a vfork child go on before exit_notify() makes a zombie of it.
    _dies(host, task, children, task.clock.tick())


def _dies(host: Host, task: Task, children: list[Process], stamp: Stamp) -> None:
    """Give the children away and become a zombie, or nothing: exit_notify()."""
    process, leader = task.process, task.process.leader
    last = not process.living()
    reaper = new_reaper(task) if children else None
    parent = process.real_parent
    alone = (
        last
        and process.exit_signal == SIGCHLD
        and (parent is not None and parent.process.ignores_children)
    )
    state = _ZOMBIE if task is leader and not alone else _DEAD
    leader_state = 0 if leader.state is not State.ENDED else _DEAD if alone else _ZOMBIE
    given = host.is_(reaper, "reaper_") if children else {}
    host.rows.add("dead", time_ns=host.tick(), **host.is_(task), exit_state=state,
                  orphans=len(children), leader_exit_state=leader_state, **given)  # fmt: skip
    if last:
        process.zombie, process.reaped, process.ended_at = not alone, alone, stamp
    task.children = []
    for child in children:
        reparented(host, child, reaper, same=reaper is not None and reaper.process is process)
    if last:
        child_changed(host, process)
