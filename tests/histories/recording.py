# SPDX-License-Identifier: Apache-2.0
"""The rows that the recorder would write about the steps of a history."""

from __future__ import annotations

import itertools
import os

from tests.histories.fake import FakeTrace
from tests.histories.kernel import PidNamespace, Proc, Thread, new_reaper

BOOT_NS = 5_000_000_000
"""start_boottime minus CLOCK_MONOTONIC, of a host that was suspended once."""
STEP_NS = 1000
CLONE_NEWPID = 0x20000000
_PIECE_BYTES = 16
_INUM_OF_FIRST_CONTAINER = 4026532000


class Recording:
    """A host on which things happen, and the trace of them."""

    def __init__(self, last_pid: int = 4_000_000) -> None:
        self.now_ns = 1_000_000
        self.made = FakeTrace()
        self.host = PidNamespace(last_pid=last_pid)
        self.threads: dict[str, Thread] = {}
        self.procs: list[Proc] = []
        self._inums = itertools.count(_INUM_OF_FIRST_CONTAINER)

    def tick(self) -> int:
        """Let some time pass; give the new time."""
        self.now_ns += STEP_NS
        return self.now_ns

    def is_(self, thread: Thread | None, prefix: str = "") -> dict[str, int]:
        """Give the identity columns of a task."""
        if thread is None:
            return {}
        tgid = thread.proc.leader.tid
        named = {"tid": thread.tid, "tgid": tgid, "start_ns": thread.start_ns}
        return {prefix + name: value for name, value in named.items()}

    def lives_in(self, thread: Thread) -> dict[str, int]:
        """Give the columns of the pid namespace of a task."""
        pidns = thread.proc.pidns
        ns_tid = thread.pids[pidns.inum]
        return {"pidns_level": pidns.level, "pidns_inum": pidns.inum, "ns_tid": ns_tid}

    def new_task(self, name: str, proc: Proc, pids: dict[int, int] | None = None) -> Thread:
        """Create a task in a process."""
        taken = {namespace.inum: namespace.take() for namespace in proc.pidns.chain()}
        thread = Thread(name, proc, pids or taken, self.tick() + BOOT_NS)
        self.threads[name] = thread
        proc.threads.append(thread)
        return thread

    def namespace_below(self, above: PidNamespace) -> PidNamespace:
        """Create a pid namespace."""
        return PidNamespace(next(self._inums), above, next_pid=1)

    def adopt(self, thread: Thread) -> None:
        """Begin to follow a task."""
        self.made.add(
            "adopted", time_ns=self.tick(), **self.is_(thread), exit_signal=17,
            leader_start_ns=thread.proc.leader.start_ns, **self.lives_in(thread), mm=1,
            **self.is_(thread.proc.real_parent, "real_parent_"), comm=os.fsencode(thread.name),
        )  # fmt: skip

    def created(self, caller: Thread, child: Thread, flags: int) -> None:
        """Write the creation of a task."""
        leader = child is child.proc.leader
        self.made.add(
            "newtask", time_ns=self.tick(), **self.is_(caller), **self.is_(child, "child_"),
            child_leader_start_ns=child.proc.leader.start_ns, clone_flags=flags,
            exit_signal=17 if leader else -1, **self.lives_in(child), child_state=0x800,
            **self.is_(child.proc.real_parent, "real_parent_"), comm=os.fsencode(caller.name),
        )  # fmt: skip

    def first_runs(self, thread: Thread) -> None:
        """Write the first run of a task."""
        wakeup_ns = self.tick()
        self.made.add("started", time_ns=self.tick(), **self.is_(thread), wakeup_new_ns=wakeup_ns)

    def clone_returns(self, caller: Thread, enter_ns: int, result: int, **values: int) -> None:
        """Write a clone call."""
        self.made.add("clone_call", time_ns=self.tick(), **self.is_(caller), enter_ns=enter_ns,
                      result=result, **values)  # fmt: skip

    def text(self, time_ns: int, thread: Thread, what: int, data: bytes) -> None:
        """Write a string in pieces, the last first: replay must order them by offset."""
        for offset in reversed(range(0, max(len(data), 1), _PIECE_BYTES)):
            self.made.add(
                "text", time_ns=time_ns, tid=thread.tid, what=what, offset=offset,
                total=len(data), data=data[offset : offset + _PIECE_BYTES],
            )  # fmt: skip

    def wait_returns(self, caller: Thread, enter_ns: int, **values: int) -> None:
        """Write a wait call, the one in which the caller sleeps if it does."""
        slept: dict[str, int] = {}
        if caller.sleeps_since_ns:
            enter_ns = caller.sleeps_since_ns
            slept = {"blocked_ns": enter_ns + 1, "blocked_total_ns": self.now_ns - enter_ns - 1}
            caller.sleeps_since_ns = 0
        self.made.add("wait", **{
            "time_ns": self.tick(), **self.is_(caller), "enter_ns": enter_ns, **slept, **values,
        })  # fmt: skip

    def end_task(self, thread: Thread, code: int, group_code: int | None = None) -> None:
        """Let one task end: its children get a new parent, and it may be a zombie then."""
        proc, leader = thread.proc, thread is thread.proc.leader
        thread.exited = True
        last = not proc.living()
        children = [child for child in thread.children if not child.gone]
        time_ns = self.tick()
        self.made.add(
            "exit", time_ns=time_ns, **self.is_(thread), group_dead=int(last), exit_code=code,
            **self.is_(proc.real_parent, "real_parent_"), orphans=len(children), utime_ns=10,
            signal_flags=0 if group_code is None else 4, group_exit_code=group_code or 0,
            comm=os.fsencode(thread.name), min_flt=1,
        )  # fmt: skip
        if last:
            proc.ended_ns = time_ns
        for child in children:
            self.made.add("orphan", time_ns=time_ns, **self.is_(thread), **self.is_(
                child.leader, "child_"))  # fmt: skip
        reaper = new_reaper(thread, self.procs[0]) if children else None
        dead = leader and last and self._reaps_itself(proc)
        if not leader:
            thread.release()
        self.made.add(
            "dead", time_ns=self.tick(), **self.is_(thread), orphans=len(children),
            exit_state=0x10 if dead or not leader else 0x20, **self.is_(reaper, "reaper_"),
            leader_exit_state=self._leader_state(proc),
        )  # fmt: skip
        if reaper is not None:
            self._give(thread, children, reaper)
        if last:
            self._ended(proc)

    def _leader_state(self, proc: Proc) -> int:
        if not proc.leader.exited:
            return 0
        return 0x10 if not proc.living() and self._reaps_itself(proc) else 0x20

    def _reaps_itself(self, proc: Proc) -> bool:
        parent = proc.real_parent
        return parent is not None and parent.proc.ignores_sigchld

    def _give(self, father: Thread, children: list[Proc], reaper: Thread) -> None:
        father.children = []
        for child in children:
            child.real_parent = reaper
            reaper.children.append(child)
            if reaper.proc is father.proc:
                continue
            child.parents.append(reaper.proc)
            if child.zombie:
                child.abandoned = True
                if self._reaps_itself(child) or reaper.proc is self.procs[0]:
                    self.free(child)

    def _ended(self, proc: Proc) -> None:
        proc.choice = "never waited"
        if self._reaps_itself(proc):
            proc.choice = "auto-reaped"
            self.free(proc)
        elif proc.real_parent is not None and proc.real_parent.proc is self.procs[0]:
            proc.choice = "unknown"
            self.free(proc)

    def free(self, proc: Proc) -> None:
        """Let the zombie of a process go."""
        assert proc.zombie, f"{proc.name} is no zombie"
        proc.gone = True
        proc.leader.release()

    def end_recording(self) -> FakeTrace:
        """Write what is still there, and give the trace."""
        for proc in self.procs[1:]:
            for thread in proc.living():
                self.made.add("end_task", **self.is_(thread), state=b"S",
                              leader_start_ns=proc.leader.start_ns)  # fmt: skip
                if thread.sleeps_since_ns:
                    self.made.add(
                        "wait", time_ns=self.tick(), **self.is_(thread), unfinished=1,
                        enter_ns=thread.sleeps_since_ns, syscall=61, idtype=-1, id=-1,
                    )  # fmt: skip
        return self.made
