# SPDX-License-Identifier: Apache-2.0
"""The simulated host: its clock, its tasks, and the rows that everything leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from replay.scenario.plan import NOBODY
from replay.simulator.memory import Memory
from replay.simulator.order import Clock
from replay.simulator.rows import Rows
from replay.simulator.rule import CowRule
from replay.simulator.tasks import Process, State, Task

if TYPE_CHECKING:
    from replay.memory.ranges import Ints
    from replay.model.values import Model
    from replay.scenario.plan import Plan
    from replay.simulator.faults import Faults
    from replay.simulator.memory import Space
    from replay.simulator.openness import Choice
    from replay.simulator.order import Stamp

STEP_NS: Final = 1000
BEGIN_NS: Final = 1_000_000_000
INIT: Final = (1, 1, 1)
"""tid, tgid and start of init."""
RECORDER: Final = (900, 900, 2)
"""Those of the parent of the first process."""
FIRST_TID: Final = 1000
PIDNS_INUM: Final = 4026531836
"""PROC_PID_INIT_INO: the initial pid namespace."""
ZERO_PFN, HUGE_ZERO_PFN = 7, 512
_CODE: Final = 0x401000
_OBJECTS: Final = ("files", "fs", "sighand", "signal", "nsproxy", "cred")
_FIRST_OBJECT: Final = 0xFFFF_8882_0000_0000


class Host:
    """Everything that a running scenario changes."""

    def __init__(self, plan: Plan, model: Model) -> None:
        self.plan = plan
        self.model = model
        self.rows = Rows()
        self.memory = Memory(plan.regions, CowRule(model))
        self.now_ns = BEGIN_NS
        self.tasks: list[Task] = []
        """In order of creation."""
        self.ready: list[Task] = []
        self.by_actor: dict[int, Task] = {}
        self.processes: dict[int, Process] = {}
        """By the number of the actor that each began with."""
        self.at_barrier: dict[int, list[Task]] = {}
        self.choices: list[Choice] = []
        """Waits that might have reported something else."""
        self.group_ends: list[tuple[Task, Stamp]] = []
        """Who ended all other threads of its process, and when."""
        self._next_tid = FIRST_TID
        self._next_object = _FIRST_OBJECT

    def tick(self) -> int:
        """Let some time pass; give the new time."""
        self.now_ns += STEP_NS
        return self.now_ns

    def new_object(self) -> int:
        """Give the address of a new kernel object."""
        self._next_object += 0x100
        return self._next_object

    def new_objects(self) -> dict[str, int]:
        """Give addresses of all objects that a task points to."""
        return {name: self.new_object() for name in _OBJECTS}

    def new_task(self, process: Process | None, actor: int, space: Space) -> Task:
        """Make a task, of a new process where none is given."""
        tid, start_ns = self._next_tid, self.tick()
        self._next_tid += 1
        process = process or Process(tid, start_ns, None, 17, actor)
        clock = Clock(actor, len(self.plan.actors))
        task = Task(tid, start_ns, process, actor, self.plan.actors[actor], space, clock)
        process.threads.append(task)
        self.own(space, process)
        if process.tgid == tid:
            self.processes[actor] = process
        self.tasks.append(task)
        self.by_actor[actor] = task
        return task

    def own(self, space: Space, process: Process) -> None:
        """Note for whom an address space was made, unless that is known."""
        if self.memory.owners[space.number] == NOBODY:
            self.memory.owners[space.number] = process.actor

    def wake(self, task: Task) -> None:
        """Let a task go on."""
        if task.state is not State.READY:
            task.state = State.READY
        self.ready.append(task)

    def is_(self, task: Task | None, prefix: str = "") -> dict[str, int]:
        """Give the identity columns of a task; those of init for None."""
        tid, tgid, start = INIT if task is None else _identity(task)
        return {f"{prefix}tid": tid, f"{prefix}tgid": tgid, f"{prefix}start_ns": start}

    def parent_of(self, process: Process, prefix: str) -> dict[str, int]:
        """Give the identity columns of the real parent."""
        if process.real_parent is None and not process.to_init:
            names = (f"{prefix}tid", f"{prefix}tgid", f"{prefix}start_ns")
            return dict(zip(names, RECORDER, strict=True))
        return self.is_(process.real_parent, prefix)

    def lives_in(self, task: Task) -> dict[str, int]:
        """Give the columns of the pid namespace."""
        return {"pidns_level": 0, "pidns_inum": PIDNS_INUM, "ns_tid": task.tid}

    def begin(self) -> Task:
        """Start the first actor in a process of its own."""
        # What it ran in before its first exec was the recorder's.
        before, space = self.memory.new_space(), self.memory.new_space()
        task = self.new_task(None, 0, space)
        task.objects = self.new_objects()
        self.rows.add(
            "adopted", time_ns=self.tick(), **self.is_(task), leader_start_ns=task.start_ns,
            **self.parent_of(task.process, "real_parent_"), exit_signal=17, **self.lives_in(task),
            mm=before.mm, comm=b"proctrace",
        )  # fmt: skip
        self.executed(task, [self.plan.scenario], self.tick())
        self.wake(task)
        return task

    def executed(self, task: Task, argv: list[str], enter_ns: int, **old: int) -> None:
        """Write an exec, and the strings that belong to it."""
        words = [word.encode() for word in argv]
        time_ns = self.tick()
        before = {"old_tid": task.tid, "old_start_ns": task.start_ns, **old}
        self.rows.add(
            "exec", time_ns=time_ns, **self.is_(task), **before, enter_ns=enter_ns, syscall=59,
            argc=len(words), arg_bytes=sum(len(word) + 1 for word in words), mm=task.space.mm,
            **self.lives_in(task),
        )  # fmt: skip
        executable = words[0].split(b"/")[::-1]
        path = b"".join(part + b"\0" for part in executable if part)
        texts = ((1, words[0]), (2, b"".join(word + b"\0" for word in words)), (5, path))
        for what, data in texts:
            self.rows.add("text", time_ns=time_ns, tid=task.tid, what=what, total=len(data),
                          data=data)  # fmt: skip

    def faulted(self, task: Task, region: int, faults: Faults) -> None:
        """Write the faults of one operation."""
        count = len(faults.page)
        if not count:
            return
        times = self.now_ns + STEP_NS * np.arange(1, count + 1)
        self.now_ns = int(times[-1])
        task.min_flt += count
        self.rows.add_faults(self._fault_columns(task, region, faults, times))

    def _fault_columns(
        self, task: Task, region: int, faults: Faults, times: Ints
    ) -> dict[str, np.ndarray[Any, Any]]:
        count = len(faults.page)
        address = (faults.page << 12) + self.plan.regions[region].address
        return {
            "time_ns": times, "cpu": np.zeros(count), "tid": np.full(count, task.tid),
            "took_ns": np.full(count, STEP_NS // 2), "address": address,
            "ip": np.full(count, _CODE), "old_pte": faults.old_pte, "new_pte": faults.new_pte,
            "old_level": faults.old_level, "new_level": faults.new_level,
            "error_code": faults.error_code, "flags": faults.flags, "refcount": faults.mapcount,
            "mapcount": faults.mapcount,
        }  # fmt: skip


def _identity(task: Task) -> tuple[int, int, int]:
    return task.tid, task.process.tgid, task.start_ns
