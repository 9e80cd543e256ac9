# SPDX-License-Identifier: Apache-2.0
"""The values that a process history is made of: tasks, processes, images, parents, ends.

They hold what was recorded and what replay concluded, with how sure each conclusion is; they
compute nothing from the trace themselves. Times are CLOCK_MONOTONIC ns, 0 where unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Certainty(StrEnum):
    """How sure replay is of a node or an edge."""

    CERTAIN = "certain"
    """An event of the recording says so."""
    INFERRED = "inferred"
    """It follows from other events by a rule of the kernel."""
    UNKNOWN = "unknown"
    """Events that would tell were lost, or happened before recording."""


class TaskId(NamedTuple):
    """A task, whatever its tid is used for later: (tid, start_boottime in ns)."""

    tid: int
    start_ns: int


class ProcessId(NamedTuple):
    """A process: (tgid, start_boottime of its leader in ns)."""

    tgid: int
    start_ns: int


@dataclass(slots=True)
class Creation:
    """How a task came into being."""

    time_ns: int
    caller: TaskId
    clone_flags: int
    exit_signal: int
    syscall: int
    """56 clone, 57 fork, 58 vfork, 435 clone3; 0 when no call matches (io worker, kernel)."""
    enter_ns: int = 0
    return_ns: int = 0
    blocked_ns: int = 0
    """How long the caller slept inside the call (vfork)."""
    wakeup_new_ns: int = 0
    first_run_ns: int = 0
    certainty: Certainty = Certainty.CERTAIN


@dataclass(slots=True)
class Image:
    """One program a process executed."""

    time_ns: int
    argv: tuple[bytes, ...]
    argv_truncated: bool
    path: bytes
    executable: bytes
    interpreter: bytes
    cwd: bytes
    environment: tuple[bytes, ...]
    by: TaskId
    """The task that called exec, with the identity it had before."""
    enter_ns: int = 0
    certainty: Certainty = Certainty.CERTAIN


@dataclass(slots=True)
class FailedExec:
    """An exec that returned an error."""

    time_ns: int
    by: TaskId
    path: bytes
    argv: tuple[bytes, ...]
    argv_truncated: bool
    errno: int


@dataclass(slots=True)
class End:
    """How a task, or the process with its last task, ended."""

    time_ns: int
    status: int
    """Exit status 0..255; 0 when a signal ended it."""
    signal: int
    """Signal that ended it; 0 for a normal exit."""
    core_dumped: bool
    min_flt: int
    maj_flt: int
    utime_ns: int
    stime_ns: int
    runtime_ns: int
    maxrss_pages: int
    killed_by: TaskId | None = None
    """The task that sent the deadly signal, where one was seen."""
    certainty: Certainty = Certainty.CERTAIN
    """INFERRED: the exit was not recorded, a wait call told of it (time_ns is 0 then).
    UNKNOWN: the task ended, but status and signal could not be told."""


class ParentReason(StrEnum):
    """Why a process has this parent."""

    BIRTH = "birth"
    SUBREAPER = "subreaper"
    """Its parent ended; adopted by a process that asked for orphans."""
    INIT = "init"
    """Its parent ended; adopted by the init of its pid namespace."""
    START = "start"
    """As /proc showed it when recording began, or the task itself at its first event."""
    SEEN = "seen"
    """Read from the child later; when it changed is not known."""


@dataclass(slots=True)
class ParentSpan:
    """A parent and since when; a process has one or more, oldest first."""

    since_ns: int
    parent: ProcessId | None
    reason: ParentReason
    certainty: Certainty = Certainty.CERTAIN


class Choice(StrEnum):
    """What the parent did about a child's end."""

    WAITED = "waited"
    """It slept in a wait call until the child ended."""
    WAITED_LATER = "waited later"
    """It ran on beside the child and reaped it afterwards, or by polling."""
    NEVER = "never waited"
    """The child was a zombie until its parent ended or the recording did."""
    AUTO_REAPED = "auto-reaped"
    """The parent ignores SIGCHLD: no zombie, and no wait call could report the child."""
    ALIVE = "still running"
    """The child had not ended."""
    UNKNOWN = "unknown"


@dataclass(slots=True)
class WaitOutcome:
    """What became of one child, seen from its parents."""

    choice: Choice
    reaper: ProcessId | None = None
    """The process whose wait call reaped it."""
    wait_enter_ns: int = 0
    reaped_ns: int = 0
    blocked_ns: int = 0
    """How long the reaping call slept."""
    zombie_ns: int = 0
    """From its end until it was reaped (or until the recording ended)."""
    certainty: Certainty = Certainty.CERTAIN


@dataclass(slots=True)
class Task:
    """A thread of execution; the leader's tid is the process id."""

    id: TaskId
    process: ProcessId
    creation: Creation | None = None
    """None for a task that existed before it was followed."""
    comm: bytes = b""
    end: End | None = None
    exit_state: int = 0
    """At its last switch: 0x20 zombie, 0x10 dead (reaped before, or by itself); 0 not seen."""
    ns_tid: int = 0
    kernel: bool = False
    """A kernel thread, or a worker that the kernel added to the process (io_uring, vhost)."""
    alive: bool = False
    """Still there as recording ended."""
    became_leader_ns: int = 0
    """When it took the leader's tid and start time by exec; its events go on under that
    identity and it has no end of its own. 0: it never did."""
    replaced_ends: list[End] | None = None
    """For a leader: ends of the tasks that bore this identity until another took it by exec."""
    certainty: Certainty = Certainty.CERTAIN


@dataclass(slots=True)
class Process:
    """A thread group from its creation to its end."""

    id: ProcessId
    tasks: list[Task] = field(default_factory=list)
    """All its tasks ever, the leader first."""
    parents: list[ParentSpan] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    failed_execs: list[FailedExec] = field(default_factory=list)
    inherited: Image | None = None
    """The image it was running when it was created."""
    children: list[ProcessId] = field(default_factory=list)
    """In order of creation, by the parent at birth."""
    end: End | None = None
    exit_state: int = 0
    """Of the leader, at the last switch of the last task: 0x20 it waits to be reaped, 0x10 it
    was reaped by then, or reaped itself; 0 not seen."""
    wait: WaitOutcome | None = None
    pidns_inum: int = 0
    pidns_level: int = 0
    ns_pid: int = 0
    uid: int = 0
    """Real user id, the last one recorded."""
    cgroup: int = 0
    """Id of its cgroup in the v2 hierarchy, the last one recorded."""
    before_recording: bool = False
    certainty: Certainty = Certainty.CERTAIN

    @property
    def leader(self) -> Task:
        """The task whose tid is the process id."""
        return self.tasks[0]
