# SPDX-License-Identifier: Apache-2.0
"""The tasks and processes of a forest while it is being built, found by identity.

Keys are written as plain tuples: a NamedTuple is equal to the tuple of its members and hashes
alike, and looking one up without making the NamedTuple first saves a third of the time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from replay.anomalies import Anomalies
from replay.process import Certainty, Process, ProcessId, Task, TaskId


@dataclass(slots=True)
class Nodes:
    """Every task and process found so far, and what was noticed on the way."""

    processes: dict[tuple[int, int], Process] = field(default_factory=dict)
    tasks: dict[tuple[int, int], Task] = field(default_factory=dict)
    anomalies: Anomalies = field(default_factory=Anomalies)
    foreign_pids: list[tuple[int, int, Process]] = field(default_factory=list)
    """(pid namespace, pid, process): pids that a process has in a namespace that is neither its
    own nor the initial one, as its creator was told."""
    _starts: dict[int, list[int]] = field(default_factory=dict)
    _not_in_starts: list[ProcessId] = field(default_factory=list)

    def add_process(self, leader: Task) -> Process:
        """Add a process that consists of its leader so far."""
        process = Process(leader.process, [leader], certainty=leader.certainty)
        self.tasks[leader.id] = leader
        self.processes[leader.process] = process
        self._not_in_starts.append(leader.process)
        return process

    def add_thread(self, thread: Task) -> None:
        """Add a task that is not a leader; make a leader of unknown origin if there is none."""
        process = self.processes.get(thread.process)
        if process is None:
            process = self.add_unknown_leader(thread.process)
        process.tasks.append(thread)
        self.tasks[thread.id] = thread

    def add_unknown_leader(self, process_id: ProcessId) -> Process:
        """Add a process of which only a thread is known."""
        self.anomalies.add("leader_never_created")
        leader = Task(TaskId(*process_id), process_id, certainty=Certainty.UNKNOWN)
        return self.add_process(leader)

    def process_of(self, tid: int, tgid: int, start_ns: int) -> ProcessId | None:
        """Give the process of a task, which need not be part of the forest.

        A thread that is not part of it belongs to the youngest process with its tgid that is
        not younger than the thread; None where there is no such process.
        """
        task = self.tasks.get((tid, start_ns))
        if task is not None:
            return task.process
        if tid == tgid:
            return ProcessId(tgid, start_ns)
        # Few tasks need this, so the index by tgid is made when the first of them asks.
        for process_id in self._not_in_starts:
            self._starts.setdefault(process_id.tgid, []).append(process_id.start_ns)
        self._not_in_starts.clear()
        older = [start for start in self._starts.get(tgid, ()) if start <= start_ns]
        return ProcessId(tgid, max(older)) if older else None

    def in_order(self) -> list[Process]:
        """Put everything in order of creation and give the processes so.

        start_boottime is set by copy_process(), so the order is that of creation; an exec by
        another thread than the leader keeps the leader's (de_thread(), fs/exec.c).
        """
        self.processes = dict(sorted(self.processes.items(), key=_creation_order))
        self.tasks = dict(sorted(self.tasks.items(), key=_creation_order))
        for process in self.processes.values():
            if len(process.tasks) > 1:
                process.tasks[1:] = sorted(process.tasks[1:], key=_age)
        return list(self.processes.values())


def _creation_order(item: tuple[tuple[int, int], object]) -> tuple[int, int]:
    return item[0][1], item[0][0]


def _age(task: Task) -> tuple[int, int]:
    return task.id.start_ns, task.id.tid
