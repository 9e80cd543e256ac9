# SPDX-License-Identifier: Apache-2.0
"""Which processes of a trace take part in a comparison, and what is known of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from replay.compare.account import NOBODY, Fate, Member, link
from replay.creation import how_created, telling_flags
from replay.names import signal_name
from replay.process import Certainty, Choice
from replay.report.life import short_name
from traces.shown import shown

if TYPE_CHECKING:
    from replay.compare.cast import Cast
    from replay.forest import ProcessForest
    from replay.process import Creation, End, Image, Process, ProcessId, TaskId

_FATES: Final = {
    Choice.WAITED: Fate.REAPED,
    Choice.WAITED_LATER: Fate.REAPED,
    Choice.NEVER: Fate.NEVER,
    Choice.AUTO_REAPED: Fate.AUTO_REAPED,
    Choice.ALIVE: Fate.RUNNING,
}
RUNNING: Final = "running"


class TakingPart:
    """Which processes of a forest take part, and the numbers that they get."""

    def __init__(self, forest: ProcessForest, cast: Cast) -> None:
        self._forest, self._cast = forest, cast
        self._threads: dict[ProcessId, dict[TaskId, int]] = {}
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
            creator=0 if parent is None or creation is None else self._which(parent, creation),
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

    def _which(self, parent: Process, creation: Creation) -> int:
        """Give which of the parent's threads created it."""
        if len(parent.tasks) == 1:
            return 0
        if parent.id not in self._threads:
            self._threads[parent.id] = {task.id: at for at, task in enumerate(parent.tasks)}
        return self._threads[parent.id].get(creation.caller, 0)

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
