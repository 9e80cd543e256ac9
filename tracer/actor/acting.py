# SPDX-License-Identifier: Apache-2.0
"""A script that is being acted: when it is over, what went wrong, and who was which actor."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from tracer.actor.build import built_program
from tracer.actor.control import Control, State
from tracer.actor.problem import failed, never_began, stuck, too_long
from tracer.ending import end_processes
from tracer.start_state import task_state
from tracer.task_starts import TaskStarts

if TYPE_CHECKING:
    from contextlib import ExitStack

    from tracer.actor.control import Entry
    from tracer.actor.script import Script
    from tracer.ending import Living
    from tracer.session import Session
    from traces.errors import ProctraceError
    from traces.writer import TraceWriter

ACTOR_VARIABLE: Final = "PROCTRACE_ACTOR"
_NET_S: Final = 10.0
"""By how much later than its time a process ends by itself, when nobody is left to end it."""
_LOOK_S: Final = 0.05
_SLEEPING: Final = (State.PAUSED, State.WAITING, State.BARRIER, State.KILL, State.VFORK)
_ASLEEP: Final = (b"S", b"D")
FAILURE, TIMEOUT, STANDSTILL = "failure", "timeout", "standstill"
"""What stops a recording of actors, besides their end."""
_OVER: Final = frozenset({"end of the last task", STANDSTILL})


class Acting:
    """The actors of a script, from before the first begins until nobody is left."""

    def __init__(self, script: Script, stack: ExitStack) -> None:
        """Build the program where that was not done, and make what the actors share."""
        self.script = script
        self.program = str(built_program())
        self._control = stack.enter_context(Control(script))
        self._starts = TaskStarts()
        self._session: Session | None = None
        self._give_up = 0.0
        self._look_next = 0.0
        self._left: list[Living] = []
        self._stuck: list[Entry] = []

    def environment(self) -> dict[str, str]:
        """Give the environment of the first process."""
        return {**os.environ, ACTOR_VARIABLE: self._control.handed}

    def follow(self, session: Session) -> None:
        """Take the session that records it; from now on the time runs."""
        self._session = session
        session.note_starts(self._starts)
        self._give_up = time.monotonic() + self.script.timeout_s
        self._control.give_up_at(self._give_up + _NET_S)

    def watch(self) -> str:
        """Give why the recording is to stop now; empty while it goes on."""
        now = time.monotonic()
        if self._control.failure() is not None:
            return FAILURE
        if now >= self._give_up:
            return TIMEOUT
        if now >= self._look_next and self._session is not None:
            self._look_next = now + _LOOK_S
            if self._stands_still(self._session):
                # One that failed meanwhile is gone, and those who are left wait for it.
                return STANDSTILL if self._control.failure() is None else FAILURE
        return ""

    def before_end(self, stopped_by: str) -> None:
        """End what runs on while it is still recorded, unless nothing moves any more."""
        session = self._session
        if session is None:
            return
        self._stuck = self._entries_of(session.living())
        if stopped_by in _OVER:
            self._left = session.living()
            return
        for _ in range(100):
            living = session.living()
            if not living:
                break
            end_processes(living)
            session.drain()

    def after_end(self, writer: TraceWriter) -> None:
        """End those that sleep for ever, and write down who was which actor."""
        end_processes(self._left)
        self._left = []
        from tracer.few_rows import write_few_rows  # noqa: PLC0415 - numpy, see _Recording.run

        rows = []
        for entry in self._control.entries():
            start_ns = self._starts.start_of(entry.tid, entry.begun_ns)
            if start_ns is not None and entry.actor not in self.script.executed:
                name = self.script.actors[entry.actor].encode()
                rows.append({"tid": entry.tid, "start_ns": start_ns, "actor": entry.actor,
                             "name": name})  # fmt: skip
        write_few_rows(writer, "actor", rows)
        writer.metadata("run", dict(self.script.description))

    def abandon(self) -> None:
        """End all that is left, whatever happened."""
        if self._session is not None:
            end_processes(self._left or self._session.living())

    def problem(self, stopped_by: str, status: int) -> ProctraceError | None:
        """Give what went wrong; None when the script was acted to its end."""
        failure = self._control.failure()
        if failure is not None:
            return failed(self.script, failure)
        if stopped_by == TIMEOUT:
            return too_long(self.script, self._stuck)
        if stopped_by == STANDSTILL:
            caught = [one for one in self._stuck if one.state not in (State.PAUSED, State.WAITING)]
            return stuck(self.script, caught) if caught else None
        if not self._control.entries():
            return never_began(self.script, status)
        return None

    def _stands_still(self, session: Session) -> bool:
        """Tell whether every living task sleeps for something that only another one could do.

        Looked at twice with nothing changed in between, so the looks are as one.
        """
        before = session.counts(), self._control.states()
        live, _, ended, dead = before[0]
        if not 0 < live <= self._control.count(*_SLEEPING) or ended != dead:
            return False
        living = session.living()
        if len(self._entries_of(living)) != len(living):
            return False
        for task in living:
            state = task_state(task.tid)
            if state is None or state.state not in _ASLEEP:
                return False
        return before == (session.counts(), self._control.states())

    def _entries_of(self, living: list[Living]) -> list[Entry]:
        """Give the actors that these tasks are, where they sleep as actors."""
        starts = {task.tid: task.start_ns for task in living}
        latest = {entry.tid: entry for entry in sorted(self._control.entries(), key=_begun)}
        return [
            entry
            for tid, entry in latest.items()
            if tid in starts and entry.begun_ns >= starts[tid] and entry.state in _SLEEPING
        ]


def _begun(entry: Entry) -> int:
    return entry.begun_ns
