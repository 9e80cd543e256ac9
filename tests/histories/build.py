# SPDX-License-Identifier: Apache-2.0
"""A language for process histories: told step by step, recorded as the recorder would.

    history = told("sh forks a, a execs /bin/true, a exits 3, sh waits a")
    forest = history.forest()

Each sentence is `WHO VERB ARGUMENTS`. The verbs are the methods of `History`, and WHO is a task:
a thread has a name of its own, and the name of a process means its leader. `sh` is there from
the beginning as the root command; `init` is there too, outside the recording.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from replay.forest import ProcessForest
from replay.process import ProcessId, TaskId
from tests.histories.kernel import Proc, Thread
from tests.histories.recording import CLONE_NEWPID, Recording

if TYPE_CHECKING:
    from replay.process import Process, Task

CLONE_VM, CLONE_VFORK, CLONE_PARENT, CLONE_THREAD = 0x100, 0x4000, 0x8000, 0x10000
WNOHANG, WNOWAIT, WEXITED = 1, 0x01000000, 4


def told(story: str) -> History:
    """Give a new history in which a story happened."""
    return History().tell(story)


class History(Recording):
    """The verbs; each lets some time pass and writes its rows."""

    def __init__(self, last_pid: int = 4_000_000) -> None:
        super().__init__(last_pid)
        init = Proc("init", self.host, None)
        self.new_task("init", init, {self.host.inum: 1})
        self.host.init = init
        sh = Proc("sh", self.host, init.leader if init.threads else None, parents=[init])
        self.procs = [init, sh]
        self.adopt(self.new_task("sh", sh))
        init.leader.children.append(sh)

    def tell(self, story: str) -> History:
        """Let the sentences of a story happen, separated by commas."""
        for sentence in story.split(","):
            who, verb, *arguments = sentence.split()
            getattr(self, verb)(who, *arguments)
        return self

    def forest(self) -> ProcessForest:
        """End the recording and give what replay rebuilds from it."""
        return ProcessForest.from_trace(self.end_recording())

    def process(self, forest: ProcessForest, name: str) -> Process:
        """Give a process of the forest by its name in the story."""
        return forest.processes[ProcessId(*self.threads[name].proc.identity)]

    def task(self, forest: ProcessForest, name: str) -> Task:
        """Give a task of the forest by its name in the story."""
        return forest.tasks[TaskId(*self.threads[name].identity)]

    def forks(self, who: str, name: str, flags: int = 0, syscall: int = 57) -> None:
        """WHO creates the process NAME by fork."""
        caller, enter_ns = self.threads[who], self.tick()
        parent = caller.proc.real_parent if flags & CLONE_PARENT else caller
        assert parent is not None
        pidns = caller.proc.pidns
        if flags & CLONE_NEWPID:
            pidns = self.namespace_below(pidns)
        proc = Proc(name, pidns, parent, parents=[parent.proc])
        proc.ignores_sigchld = caller.proc.ignores_sigchld
        self.procs.append(proc)
        child = self.new_task(name, proc)
        pidns.init = pidns.init or proc
        parent.children.append(proc)
        self.created(caller, child, flags)
        if flags & CLONE_VFORK:
            self.first_runs(child)
        slept = {"blocked_ns": self.now_ns, "blocked_total_ns": 500} if flags & CLONE_VFORK else {}
        self.clone_returns(caller, enter_ns, child.pids[caller.proc.pidns.inum], flags=flags,
                           syscall=syscall, exit_signal=17, **slept)  # fmt: skip
        if not flags & CLONE_VFORK:
            self.first_runs(child)

    def vforks(self, who: str, name: str) -> None:
        """WHO creates NAME by vfork, and sleeps meanwhile."""
        self.forks(who, name, CLONE_VFORK | CLONE_VM, 58)

    def makes_sibling(self, who: str, name: str) -> None:
        """WHO creates NAME with CLONE_PARENT: it gets the parent of WHO."""
        self.forks(who, name, CLONE_PARENT, 56)

    def makes_container(self, who: str, name: str) -> None:
        """WHO creates NAME as the init of a new pid namespace."""
        self.forks(who, name, CLONE_NEWPID, 56)

    def threads_off(self, who: str, name: str) -> None:
        """WHO creates the thread NAME in its process."""
        caller, enter_ns, flags = self.threads[who], self.tick(), CLONE_THREAD | CLONE_VM
        thread = self.new_task(name, caller.proc)
        self.created(caller, thread, flags)
        self.clone_returns(caller, enter_ns, thread.pids[caller.proc.pidns.inum], flags=flags,
                           syscall=56)  # fmt: skip
        self.first_runs(thread)

    def fails_to_fork(self, who: str, errno: str = "11") -> None:
        """WHO gets ERRNO from fork; 513 is a restart that no program sees."""
        self.clone_returns(self.threads[who], self.tick(), -int(errno), syscall=57)

    def execs(self, who: str, path: str = "/bin/true", *arguments: str) -> None:
        """WHO executes PATH; other threads of its process end, and WHO is the leader then."""
        thread, enter_ns = self.threads[who], self.tick()
        proc, old = thread.proc, thread.identity
        for other in reversed(proc.living()):
            if other is not thread:
                self.end_task(other, 9)
        leader = proc.leader
        if thread is not leader:
            thread.release()
            thread.pids, thread.start_ns = leader.pids, leader.start_ns
            thread.children += leader.children
        proc.threads = [thread]
        self.threads[proc.name] = thread
        argv = [os.fsencode(part) for part in (path, *arguments)]
        proc.programs.append(argv[0])
        time_ns = self.tick()
        self.made.add(
            "exec", time_ns=time_ns, **self.is_(thread), old_tid=old[0], old_start_ns=old[1],
            enter_ns=enter_ns, syscall=59, argc=len(argv), **self.lives_in(thread),
        )  # fmt: skip
        self.text(time_ns, thread, 1, argv[0])
        self.text(time_ns, thread, 2, b"".join(part + b"\0" for part in argv))
        self.text(time_ns, thread, 3, b"src\0home\0")
        self.text(time_ns, thread, 5, b"".join(p + b"\0" for p in argv[0].split(b"/")[:0:-1]))

    def fails_to_exec(self, who: str, path: str, errno: str = "2") -> None:
        """WHO tries to execute PATH and gets ERRNO."""
        thread, time_ns = self.threads[who], self.tick()
        self.made.add("exec_failed", time_ns=time_ns, **self.is_(thread), enter_ns=time_ns - 1,
                      syscall=59, result=-int(errno))  # fmt: skip
        self.text(time_ns, thread, 1, os.fsencode(path))
        self.text(time_ns, thread, 2, os.fsencode(path) + b"\0")

    def ignores_children(self, who: str) -> None:
        """Let the process of WHO ignore SIGCHLD from now on."""
        self.threads[who].proc.ignores_sigchld = True

    def adopts_orphans(self, who: str) -> None:
        """Make the process of WHO a subreaper."""
        self.threads[who].proc.subreaper = True

    def sleeps(self, who: str) -> None:
        """WHO enters a wait call and sleeps in it; the next `waits` returns from it."""
        self.threads[who].sleeps_since_ns = self.tick()

    def waits(self, who: str, name: str, options: int = 0, **values: int) -> None:
        """WHO reaps the zombie NAME by wait4, at once or out of `sleeps`."""
        caller, proc, enter_ns = self.threads[who], self.threads[name].proc, self.tick()
        pid = proc.leader.pids[caller.proc.pidns.inum]
        self._reaped_by(caller, proc, later=not caller.sleeps_since_ns)
        row = {"got": 3, "status": proc.exit_code, **values}
        self.wait_returns(caller, enter_ns, syscall=61, idtype=-1, id=-1, options=options,
                          result=pid, ns_pid=pid, **row)  # fmt: skip

    def waits_blindly(self, who: str, name: str) -> None:
        """WHO reaps the zombie NAME by wait(NULL), without asking for the status."""
        self.waits(who, name, got=0, status=0)

    def polls(self, who: str, name: str) -> None:
        """WHO reaps the zombie NAME by wait4 with WNOHANG."""
        self.waits(who, name, WNOHANG)

    def polls_in_vain(self, who: str) -> None:
        """WHO calls wait4 with WNOHANG while no child is a zombie."""
        self.wait_returns(self.threads[who], self.tick(), syscall=61, idtype=-1, id=-1, options=1)

    def sees_stop(self, who: str, name: str) -> None:
        """WHO is told by wait4 that NAME was stopped."""
        caller, pid = self.threads[who], self.threads[name].tid
        self.wait_returns(caller, self.tick(), syscall=61, idtype=-1, id=-1, options=2, got=3,
                          result=pid, ns_pid=pid, status=0x137F)  # fmt: skip

    def peeks(self, who: str, name: str) -> None:
        """WHO sees the zombie NAME by waitid with WNOWAIT, which leaves it there."""
        self.waits_by_id(who, name, WEXITED | WNOWAIT)

    def waits_by_id(self, who: str, name: str, options: int = WEXITED) -> None:
        """WHO reaps the zombie NAME by waitid."""
        caller, proc, enter_ns = self.threads[who], self.threads[name].proc, self.tick()
        pid, signal = proc.leader.pids[caller.proc.pidns.inum], proc.exit_code & 0x7F
        code = 1 if not signal else 3 if proc.exit_code & 0x80 else 2
        if not options & WNOWAIT:
            self._reaped_by(caller, proc, later=not caller.sleeps_since_ns)
        self.wait_returns(caller, enter_ns, syscall=247, idtype=1, id=pid, options=options, got=7,
                          ns_pid=pid, code=code, status=signal or proc.exit_code >> 8)  # fmt: skip

    def _reaped_by(self, caller: Thread, proc: Proc, *, later: bool) -> None:
        assert proc.real_parent is not None
        assert proc.real_parent.proc is caller.proc, f"{proc.name} is no child of {caller.name}"
        if not proc.abandoned:
            proc.choice = "waited later" if later else "waited"
        proc.reaper = caller.proc
        self.free(proc)

    def exits(self, who: str, status: str = "0") -> None:
        """Let the process of WHO end by exit_group(STATUS), with all its threads."""
        self._end_group(self.threads[who], int(status) << 8)

    def ends(self, who: str, status: str = "0") -> None:
        """Only the thread WHO ends, by exit(STATUS); the leader's is that of the process."""
        thread = self.threads[who]
        if thread is thread.proc.leader:
            thread.proc.exit_code = int(status) << 8
        self.end_task(thread, int(status) << 8)

    def kills(self, who: str, name: str, signal: str = "9") -> None:
        """WHO sends a signal that ends the process of NAME."""
        self.signals(who, name, signal)
        self._end_group(self.threads[name], int(signal))

    def faults(self, who: str) -> None:
        """WHO runs into SIGSEGV, raised by the kernel, and dumps core."""
        self.signals(who, who, "11", code=1)
        self._end_group(self.threads[who], 11 | 0x80)

    def signals(self, who: str, name: str, signal: str, code: int = 0, result: int = 0) -> None:
        """WHO sends a signal to the process of NAME, which need not do anything."""
        self.made.add(
            "signal", time_ns=self.tick(), **self.is_(self.threads[who]), sig=int(signal),
            **self.is_(self.threads[name].proc.leader, "target_"), code=code, result=result,
            group=1,
        )  # fmt: skip

    def _end_group(self, caller: Thread, code: int) -> None:
        proc = caller.proc
        proc.exit_code = code
        if not caller.exited:
            self.end_task(caller, code, code)
        for thread in proc.living():
            self.end_task(thread, code, code)
