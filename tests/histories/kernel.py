# SPDX-License-Identifier: Apache-2.0
"""The small model of a kernel that histories run on: tasks, pids per namespace, who reaps whom.

It keeps only the rules that a recording shows, written down apart from those of `replay`, so
that what replay rebuilds can be compared with what happened here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

INITIAL_PIDNS_INUM = 4026531836
FIRST_PID = 100


@dataclass(eq=False)
class PidNamespace:
    """A pid namespace with its next pid and those in use."""

    inum: int = INITIAL_PIDNS_INUM
    above: PidNamespace | None = None
    next_pid: int = FIRST_PID
    last_pid: int = 4_000_000
    used: set[int] = field(default_factory=set)
    init: Proc | None = None

    @property
    def level(self) -> int:
        """0 for the initial namespace."""
        return 0 if self.above is None else self.above.level + 1

    def chain(self) -> list[PidNamespace]:
        """Give this namespace and those above it, the innermost first."""
        return [self, *(self.above.chain() if self.above is not None else [])]

    def take(self) -> int:
        """Give the next free pid, from the beginning again after the last."""
        assert len(self.used) <= self.last_pid - FIRST_PID, "no pid is free"
        while self.next_pid in self.used:
            self._advance()
        pid = self.next_pid
        self.used.add(pid)
        self._advance()
        return pid

    def _advance(self) -> None:
        self.next_pid = self.next_pid + 1 if self.next_pid < self.last_pid else FIRST_PID


@dataclass(eq=False)
class Thread:
    """A task; `start_ns` is its start_boottime."""

    name: str
    proc: Proc
    pids: dict[int, int]
    """Its tid by inode number of the namespace."""
    start_ns: int
    exited: bool = False
    children: list[Proc] = field(default_factory=list)
    sleeps_since_ns: int = 0
    """When it entered the wait call in which it sleeps."""

    @property
    def tid(self) -> int:
        """The tid in the initial namespace."""
        return self.pids[INITIAL_PIDNS_INUM]

    @property
    def identity(self) -> tuple[int, int]:
        """(tid, start_ns), as a trace names it."""
        return self.tid, self.start_ns

    def release(self) -> None:
        """Free its pids in each namespace (release_task())."""
        for namespace in self.proc.pidns.chain():
            namespace.used.discard(self.pids[namespace.inum])


@dataclass(eq=False)
class Proc:
    """A thread group, and what became of it."""

    name: str
    pidns: PidNamespace
    real_parent: Thread | None
    threads: list[Thread] = field(default_factory=list)
    exit_code: int = 0
    """Of the leader, or of the group where it ended as a whole."""
    ignores_sigchld: bool = False
    subreaper: bool = False
    ended_ns: int = 0
    abandoned: bool = False
    """Was a zombie when its parent ended."""
    gone: bool = False
    """Ended and reaped."""
    parents: list[Proc] = field(default_factory=list)
    """All it ever had, the one at birth first."""
    programs: list[bytes] = field(default_factory=list)
    choice: str = "still running"
    reaper: Proc | None = None

    @property
    def leader(self) -> Thread:
        """The thread whose tid is the process id."""
        return self.threads[0]

    @property
    def identity(self) -> tuple[int, int]:
        """(tgid, start_ns of the leader)."""
        return self.leader.identity

    @property
    def zombie(self) -> bool:
        """Whether somebody may reap it."""
        return bool(self.ended_ns) and not self.gone

    def living(self) -> list[Thread]:
        """Give the threads that did not end."""
        return [thread for thread in self.threads if not thread.exited]

    def children(self) -> list[Proc]:
        """Give the processes that it may wait for."""
        return [child for thread in self.threads for child in thread.children if not child.gone]


def new_reaper(father: Thread, host_init: Proc) -> Thread | None:
    """Give who gets the children of a task that ends: a thread, a subreaper, or an init."""
    siblings = father.proc.living()
    if siblings:
        return siblings[0]
    above = father.proc.real_parent
    while above is not None and above.proc.pidns is father.proc.pidns:
        if above.proc.subreaper and above.proc.living():
            return above.proc.living()[0]
        above = above.proc.real_parent
    init = father.proc.pidns.init or host_init
    return init.living()[0] if init.living() else None
