# SPDX-License-Identifier: Apache-2.0
"""Makes the account of a trace."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

import polars as pl

from replay.compare.account import NOBODY, Account, Fate, Loss, Member, link
from replay.compare.cast import ALL_MEMORY, EVERYWHERE, Cast
from replay.compare.figures import page_figures
from replay.creation import how_created, telling_flags
from replay.forest import ProcessForest
from replay.losses import Losses
from replay.memory.history import PageHistories
from replay.names import SYSCALLS, errno_name, signal_name
from replay.process import Certainty, Choice, ProcessId
from replay.recording import Recording
from replay.report.life import short_name
from replay.tables import columns
from traces.shown import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replay.compare.cast import RegionPages
    from replay.process import Creation, End, Image, Process
    from replay.tables import TraceTables

_FATES: Final = {
    Choice.WAITED: Fate.REAPED,
    Choice.WAITED_LATER: Fate.REAPED,
    Choice.NEVER: Fate.NEVER,
    Choice.AUTO_REAPED: Fate.AUTO_REAPED,
    Choice.ALIVE: Fate.RUNNING,
}
_FAULT_RINGS: Final = frozenset({b"fault ring", b"step ring"})
"""Rings whose losses concern no process."""
RUNNING: Final = "running"


def account_of(
    trace: TraceTables, *, ordered: bool = False, regions: tuple[RegionPages, ...] = ()
) -> Account:
    """Make it. Of a run of a scenario only its actors take part.

    Pages are counted in its regions or, in a trace that is no such run, in these `regions` and in
    all memory of each process.
    """
    forest, cast = ProcessForest.from_trace(trace), Cast.of(trace)
    taking = _TakingPart(forest, cast)
    members = taking.members()
    _add_calls(trace, forest, taking.numbers, members)
    account = Account(_subject(trace, cast), members, ordered=ordered, loss=_loss(trace))
    account.played = bool(cast.actors)
    account.tasks = taking.tasks()
    if _has_faults(trace):
        memory = PageHistories.from_trace(trace)
        known = cast.regions if cast.actors else regions
        account.pages = page_figures(memory, known, taking.numbers)
        account.regions = tuple(region.name for region in known)
        if not cast.actors:
            account.pages.add(page_figures(memory, (ALL_MEMORY,), taking.numbers))
            account.regions += (EVERYWHERE,)
    return account


def _has_faults(trace: TraceTables) -> bool:
    recording = trace.metadata.get("recording")
    told = isinstance(recording, dict) and recording.get("faults") is True
    return told or not trace.table("fault").is_empty()


def _subject(trace: TraceTables, cast: Cast) -> str:
    recording = Recording.of(trace)
    simulated = isinstance(trace.metadata.get("simulation"), dict)
    subject = cast.scenario or shown(recording.subject.encode(errors="replace"))
    how = "simulated for" if simulated else "recorded on"
    return f"{subject or 'a trace'}, {how} Linux {recording.kernel or '?'}"


def _loss(trace: TraceTables) -> Loss:
    losses = Losses.of(trace)
    why = []
    lost = [one for one in losses.by_place if one.count]
    if lost:
        why.append(f"{losses.count:,} records were lost")
    if not trace.complete:
        why.append("the trace is cut off")
    tree = not trace.complete or any(one.ring not in _FAULT_RINGS for one in lost)
    return Loss(tree, bool(why), " and ".join(why))


class _TakingPart:
    """Which processes of a forest take part, and the numbers that they get."""

    def __init__(self, forest: ProcessForest, cast: Cast) -> None:
        self._forest, self._cast = forest, cast
        self._words: dict[tuple[int, int, int], str] = {}
        self.processes = [
            process
            for process in forest.processes.values()
            if not cast.actors or process.leader.id in cast.actors
        ]
        self.numbers: dict[tuple[int, int], int] = {
            process.id: at for at, process in enumerate(self.processes)
        }

    def members(self) -> list[Member]:
        """Make the members, in order of creation."""
        found = [self._member(process) for process in self.processes]
        link(found)
        return found

    def tasks(self) -> dict[str, int]:
        """Give the member of each actor."""
        found = {}
        for task_id, name in self._cast.actors.items():
            task = self._forest.tasks.get(task_id)  # type: ignore[call-overload]
            if task is not None and task.process in self.numbers:
                found[name] = self.numbers[task.process]
        return found

    def _number(self, process: ProcessId | None) -> int:
        return NOBODY if process is None else self.numbers.get(process, NOBODY)

    def _member(self, process: Process) -> Member:
        creation, parent = process.leader.creation, self._forest.at_birth(process)
        name = self._cast.actors.get(process.leader.id, "")
        program = short_name(process)
        above = self._number(parent.id if parent is not None else None)
        images = process.images
        if self._cast.actors and above == NOBODY:
            # The program that plays the scenario is none of its own.
            images = images[1:]
        member = Member(
            name, name or program or "?", above,
            born="" if creation is None else self._born(creation),
            program=program or None,
            programs=tuple(_program(image) for image in images),
            end=_ended(process.end, alive=any(task.alive for task in process.tasks)),
            threads=len(process.tasks) - 1,
            thread_ends=_thread_ends(process),
            failed_calls=(), waits_without_child=0,
            creator=0 if parent is None or creation is None else _which(parent, creation),
            born_ns=0 if creation is None else creation.time_ns,
            ended_ns=0 if process.end is None else process.end.time_ns,
        )  # fmt: skip
        self._add_fate(member, process)
        member.unsure = frozenset(_unsure(process, member))
        return member

    def _born(self, creation: Creation) -> str:
        key = creation.clone_flags, creation.exit_signal, creation.syscall
        if key not in self._words:
            flags = "|".join(telling_flags(creation))
            self._words[key] = f"{how_created(creation)} {flags}".strip()
        return self._words[key]

    def _add_fate(self, member: Member, process: Process) -> None:
        guardian = self._forest.parent(process)
        member.guardian = self._number(guardian.id if guardian is not None else None)
        wait = process.wait
        if wait is None:
            return
        member.reaper = self._number(wait.reaper)
        if wait.choice is Choice.UNKNOWN:
            # Nobody in the account could wait for it; or what happened was lost.
            outside = member.guardian == NOBODY and process.end is not None
            member.fate = Fate.OUTSIDE if outside else None
        elif wait.choice in {Choice.WAITED, Choice.WAITED_LATER} and member.reaper == NOBODY:
            member.fate = Fate.OUTSIDE
        else:
            member.fate = _FATES[wait.choice]


def _which(parent: Process, creation: Creation) -> int:
    """Give which of the parent's threads created it."""
    if len(parent.tasks) == 1:
        return 0
    ids = [task.id for task in parent.tasks]
    return ids.index(creation.caller) if creation.caller in ids else 0


def _program(image: Image) -> str:
    path = image.argv[0] if image.argv else image.executable or image.path
    return shown(path.rsplit(b"/", 1)[-1])


def ended(status: int, signal: int) -> str:
    """Say how a process ended."""
    return signal_name(signal) if signal else f"exit {status}"


def _ended(end: End | None, *, alive: bool) -> str | None:
    if end is None:
        return RUNNING if alive else None
    if end.certainty is Certainty.UNKNOWN:
        return None
    return ended(end.status, end.signal)


def _thread_ends(process: Process) -> tuple[str, ...]:
    return tuple(
        sorted(
            _ended(task.end, alive=task.alive) or "?"
            for task in process.tasks[1:]
            if not task.became_leader_ns
        )
    )


def _unsure(process: Process, member: Member) -> list[str]:
    """Name the values that the recording does not tell for certain."""
    found = []
    if process.end is not None and process.end.certainty is not Certainty.CERTAIN:
        found.append("end")
    if process.wait is not None and process.wait.certainty is Certainty.UNKNOWN:
        found += ["fate", "reaper"]
    if process.parents and process.parents[-1].certainty is not Certainty.CERTAIN:
        found.append("guardian")
    if process.certainty is not Certainty.CERTAIN:
        found += ["born", "parent"]
    if any(image.certainty is not Certainty.CERTAIN for image in process.images):
        found.append("programs")
    if "?" in (member.thread_ends or ()):
        found.append("thread_ends")
    return found


def _add_calls(
    trace: TraceTables,
    forest: ProcessForest,
    numbers: Mapping[tuple[int, int], int],
    members: list[Member],
) -> None:
    """Add the calls that failed, and the waits that reported no child."""
    failed: defaultdict[int, list[str]] = defaultdict(list)

    def caller(tid: int, start_ns: int) -> int:
        task = forest.tasks.get((tid, start_ns))  # type: ignore[call-overload]
        return NOBODY if task is None else numbers.get(task.process, NOBODY)

    calls = trace.table("clone_call").filter(_failed())
    for tid, start, syscall, result in columns(calls, "tid", "start_ns", "syscall", "result"):
        name = SYSCALLS.get(syscall, str(syscall))
        failed[caller(tid, start)].append(f"{name} {errno_name(-result)}")
    for process in forest.processes.values():
        number = numbers.get(process.id, NOBODY)
        failed[number] += [f"exec {errno_name(one.errno)}" for one in process.failed_execs]
    nobody: Counter[int] = Counter()
    waits = trace.table("wait").filter(ns_pid=0, unfinished=0)
    for tid, start in columns(waits, "tid", "start_ns"):
        nobody[caller(tid, start)] += 1
    for at, member in enumerate(members):
        member.failed_calls = tuple(sorted(failed.get(at, ())))
        member.waits_without_child = nobody[at]


def _failed() -> pl.Expr:
    return (pl.col("result") < 0) & (pl.col("unfinished") == 0)
