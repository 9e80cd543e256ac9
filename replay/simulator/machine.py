# SPDX-License-Identifier: Apache-2.0
"""Runs a plan: lets one task after the other do its next operation, in an order by a seed."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

import numpy as np

from replay.scenario.plan import Code, touched_pages
from replay.simulator.host import STEP_NS, Host
from replay.simulator.life import create, end_group, end_task, execute
from replay.simulator.tasks import State, Task
from replay.simulator.waiting import unfinished, wait
from traces.errors import STATUS_UNUSABLE_INPUT, ProctraceError

if TYPE_CHECKING:
    from replay.model.values import Model
    from replay.scenario.plan import Operation, Plan
    from replay.simulator.order import Stamp

_SIGSEGV: Final = 11
_MMAP, _MUNMAP, _MADVISE = 9, 11, 28
_PROT: Final = 3
_PRIVATE, _SHARED, _FIXED, _ANONYMOUS = 2, 1, 0x10, 0x20
_HUGEPAGE, _NOHUGEPAGE = 14, 15
_NO_FILE: Final = 2**64 - 1
FILE_DEV: Final = 1
"""Device of the files of regions; the inode is the number of the region, from 1."""


class Machine:
    """One run of a plan on a model."""

    def __init__(self, plan: Plan, model: Model, seed: int) -> None:
        self.host = Host(plan, model)
        # Which order is taken is no secret that anyone could gain by guessing.
        self._random = Random(seed)  # noqa: S311

    def run(self) -> Host:
        """Run until no task can go on; ProctraceError when some wait for each other."""
        host = self.host
        host.begin().comm = host.plan.actors[0].name.encode()
        while host.ready:
            at = self._random.randrange(len(host.ready))
            host.ready[at], host.ready[-1] = host.ready[-1], host.ready[at]
            task = host.ready.pop()
            self._step(task)
        self._end()
        return host

    def _step(self, task: Task) -> None:
        operation = task.plan.operations[task.at]
        if len(task.begun) == task.at:
            task.begun.append(task.clock.count)
        if self._do(task, operation):
            task.state = State.READY
            task.at += 1
        if task.state is State.READY:
            self.host.ready.append(task)

    def _do(self, task: Task, operation: Operation) -> bool:
        """Do one operation; tells whether the task goes on to the next one."""
        host, numbers = self.host, operation.numbers
        match operation.code:
            case Code.WAIT | Code.WAIT_ALL | Code.WAITID:
                return wait(host, task, operation)
            case Code.BARRIER:
                return self._barrier(task, numbers[0])
            case Code.PAUSE:
                return self._pause(task)
            case Code.KILL:
                return self._kill(task, *numbers)
            case Code.SUBREAPER:
                task.process.subreaper = True
                task.process.attitudes.append(task.clock.tick())
            case Code.IGNORE_CHILDREN:
                task.process.ignores_children = True
                task.process.attitudes.append(task.clock.tick())
            case _:
                return self._change(task, operation, task.clock.tick())
        return True

    def _change(self, task: Task, operation: Operation, stamp: Stamp) -> bool:
        """Do what concerns memory, or begins or ends something."""
        host, numbers = self.host, operation.numbers
        match operation.code:
            case Code.READ | Code.WRITE:
                return self._touch(task, operation, stamp)
            case Code.MAP | Code.UNMAP | Code.MADVISE:
                self._remap(task, operation, stamp)
            case Code.CREATE:
                task.at += 1
                create(host, task, operation, stamp)
                return False
            case Code.EXEC_ACTOR:
                self._become(task, numbers[0], stamp)
                return False
            case Code.EXEC_PROGRAM:
                execute(host, task, list(operation.argv), stamp)
                task.comm = operation.argv[0].rsplit("/", 1)[-1].encode()[:15]
                end_group(host, task, numbers[1] << 8)
                return False
            case _:
                self._leave(task, operation)
                return False
        return True

    def _become(self, task: Task, actor: int, stamp: Stamp) -> None:
        plan = self.host.plan.actors[actor]
        execute(self.host, task, [plan.name], stamp)
        task.plan, task.at, task.comm = plan, 0, plan.name.encode()
        task.begun = []

    def _leave(self, task: Task, operation: Operation) -> None:
        number = operation.numbers[0]
        if operation.code is Code.EXIT_THREAD:
            end_task(self.host, task, number << 8)
        elif operation.code is Code.EXIT:
            end_group(self.host, task, number << 8)
        else:
            self._signal(task, task, number, code=0)
            end_group(self.host, task, number)

    def _signal(self, task: Task, target: Task, number: int, *, code: int) -> None:
        self.host.rows.add(
            "signal", time_ns=self.host.tick(), **self.host.is_(task), sig=number, code=code,
            **self.host.is_(target.process.leader, "target_"), group=1,
        )  # fmt: skip

    def _touch(self, task: Task, operation: Operation, stamp: Stamp) -> bool:
        host, region, pages = self.host, operation.numbers[0], touched_pages(operation)
        if not pages.size:
            return True
        write = operation.code is Code.WRITE
        reached = host.memory.reach(task.space, region, pages)
        if reached:
            done = host.memory.touch(task.space, region, pages[:reached], stamp, write=write)
            host.faulted(task, region, done)
        if reached < len(pages):
            self._segfault(task, region, int(pages[reached]), write=write)
            return False
        return True

    def _segfault(self, task: Task, region: int, page: int, *, write: bool) -> None:
        """End a process that touched a page which is not mapped."""
        host = self.host
        address = (page << 12) + host.plan.regions[region].address
        row = {name: np.zeros(1) for name in ("cpu", "took_ns", "old_pte", "new_pte", "refcount",
                                              "mapcount", "flags")}  # fmt: skip
        given = {"time_ns": host.tick(), "tid": task.tid, "address": address, "ip": 0x401000,
                 "old_level": 1, "new_level": 1, "error_code": 4 | 2 * write}  # fmt: skip
        host.rows.add_faults(row | {name: np.array([value]) for name, value in given.items()})
        self._signal(task, task, _SIGSEGV, code=1)
        end_group(host, task, _SIGSEGV)

    def _remap(self, task: Task, operation: Operation, stamp: Stamp) -> None:
        number = operation.numbers[0]
        memory, region = self.host.memory, self.host.plan.regions[number]
        length = region.pages << 12
        if operation.code is Code.MAP:
            memory.map(task.space, number, stamp)
            flags = _FIXED | (_SHARED if region.shared else _PRIVATE)
            flags |= 0 if region.file else _ANONYMOUS
            file = {"file_dev": FILE_DEV, "file_ino": number + 1} if region.file else {}
            self._call(task, _MMAP, region.address, length, _PROT, flags, 4 if region.file
                       else _NO_FILE, result=region.address, **file)  # fmt: skip
            if not region.file and not region.shared:
                advice = _HUGEPAGE if region.thp else _NOHUGEPAGE
                self._call(task, _MADVISE, region.address, length, advice)
        elif operation.code is Code.UNMAP:
            memory.unmap(task.space, number, stamp)
            self._call(task, _MUNMAP, region.address, length)
        else:
            _, advice, first, count = operation.numbers
            pages = np.arange(first, first + count)
            result = -memory.advise(task.space, number, advice, pages, stamp)
            self._call(task, _MADVISE, region.address + (first << 12), count << 12, advice,
                       result=result)  # fmt: skip

    def _call(
        self, task: Task, syscall: int, *arguments: int, result: int = 0, **file: int
    ) -> None:
        host, enter_ns = self.host, self.host.tick()
        given = {f"arg{at}": value for at, value in enumerate(arguments)}
        host.rows.add("mapping_call", time_ns=host.tick(), **host.is_(task), enter_ns=enter_ns,
                      syscall=syscall, **given, result=result, **file)  # fmt: skip

    def _barrier(self, task: Task, number: int) -> bool:
        there = self.host.at_barrier.setdefault(number, [])
        there.append(task)
        if len(there) < self.host.plan.barriers[number].participants:
            task.state = State.BARRIER
            return False
        stamps = [one.clock.tick() for one in there]
        for one in there:
            for stamp in stamps:
                one.clock.receive(stamp)
        for one in there[:-1]:
            if one.state is State.BARRIER:
                one.at += 1
                self.host.wake(one)
        return True

    def _pause(self, task: Task) -> bool:
        task.state = State.PAUSE
        for other in self.host.tasks:
            if other.state is State.KILL:
                self.host.wake(other)
        return False

    def _kill(self, task: Task, actor: int, number: int) -> bool:
        victim = self.host.by_actor.get(actor)
        if victim is None or victim.state is not State.PAUSE:
            task.state = State.KILL
            return False
        self._signal(task, victim, number, code=0)
        victim.clock.receive(task.clock.tick())
        end_group(self.host, victim, number)
        return True

    def _end(self) -> None:
        """Write what is still there; what waits for something that never comes is an error."""
        host = self.host
        for task in host.tasks:
            if task.state in {State.BARRIER, State.VFORK, State.KILL}:
                raise ProctraceError(
                    f"the scenario {host.plan.scenario} does not come to an end",
                    f"{task.plan.name} waits for {task.state.value} at operation {task.at}",
                    "see that all come to it, and that no vfork child waits for its parent",
                    status=STATUS_UNUSABLE_INPUT,
                )
        host.now_ns += STEP_NS
        for task in host.tasks:
            if task.state is not State.ENDED:
                self._still_there(task)

    def _still_there(self, task: Task) -> None:
        host = self.host
        if task.state is State.CHILD:
            unfinished(host, task, task.plan.operations[task.at])
        host.rows.add(
            "end_task", **host.is_(task), leader_start_ns=task.process.leader.start_ns,
            parent_tgid=host.parent_of(task.process, "")["tgid"], state=b"S",
            syscall=61 if task.state is State.CHILD else 0,
            enter_ns=task.since_ns if task.state is State.CHILD else 0,
        )  # fmt: skip
