# SPDX-License-Identifier: Apache-2.0
"""Histories that nobody thought of: legal ones, drawn by hypothesis, and damaged traces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from tests.histories.build import History
from traces.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.histories.fake import FakeTrace
    from tests.histories.kernel import Proc, Thread

_MOST_TASKS = 8
_LAST_PID = 112
"""So few pids that histories of some length use them again."""

Step = tuple[int, int, int]
"""Numbers that choose what happens, who does it, and to whom."""

steps = st.lists(st.tuples(*[st.integers(0, 1000)] * 3), max_size=60)
"""Strategy for the steps of a history."""


class _Dice:
    """Plays steps on a history; a step that would not be legal does nothing."""

    def __init__(self) -> None:
        self.history = History(last_pid=_LAST_PID)
        self.made = 0
        self.verbs: list[Callable[[Thread, int], None]] = [
            self.forks, self.forks, self.forks, self.threads_off, self.execs, self.exits,
            self.exits, self.ends, self.waits, self.waits, self.waits, self.sleeps,
            self.waits_by_id, self.kills, self.adopts, self.ignores,
        ]  # fmt: skip

    def play(self, step: Step) -> None:
        verb, who, extra = step
        awake = [thread for proc in self.history.procs[1:] for thread in proc.living()
                 if not thread.sleeps_since_ns]  # fmt: skip
        if awake:
            self.verbs[verb % len(self.verbs)](awake[who % len(awake)], extra)
        self._wake_sleepers()

    def _name(self, thread: Thread) -> str:
        name = f"task{id(thread)}"
        self.history.threads[name] = thread
        return name

    def _new_name(self) -> str:
        self.made += 1
        return f"new{self.made}"

    def _room(self) -> bool:
        return len(self.history.host.used) < _MOST_TASKS

    def forks(self, who: Thread, extra: int) -> None:
        kinds = (self.history.forks, self.history.vforks, self.history.makes_sibling,
                 self.history.makes_container)  # fmt: skip
        parent = who.proc.real_parent
        legal = kinds if parent is not None and parent.proc is not self.history.procs[0] else (
            kinds[0], kinds[1], kinds[3])  # fmt: skip
        if self._room() and who.proc.pidns.level < 2:
            legal[extra % len(legal)](self._name(who), self._new_name())

    def threads_off(self, who: Thread, _extra: int) -> None:
        if self._room():
            self.history.threads_off(self._name(who), self._new_name())

    def execs(self, who: Thread, extra: int) -> None:
        if all(not other.sleeps_since_ns for other in who.proc.living()):
            self.history.execs(self._name(who), f"/bin/program{extra % 5}")

    def exits(self, who: Thread, extra: int) -> None:
        if self._may_end(who.proc):
            self.history.exits(self._name(who), str(extra % 256))

    def ends(self, who: Thread, extra: int) -> None:
        if len(who.proc.living()) > 1 or self._may_end(who.proc):
            self.history.ends(self._name(who), str(extra % 256))

    def kills(self, who: Thread, extra: int) -> None:
        living = [proc for proc in self.history.procs[1:] if proc.living()]
        target = living[extra % len(living)]
        if self._may_end(target):
            self.history.kills(self._name(who), self._name(target.leader), "15")

    def _may_end(self, proc: Proc) -> bool:
        if proc is self.history.procs[1] or any(t.sleeps_since_ns for t in proc.living()):
            return False
        return proc.pidns.init is not proc or not any(
            other.living() for other in self.history.procs[1:]
            if other is not proc and proc.pidns in other.pidns.chain()
        )  # fmt: skip

    def waits(self, who: Thread, extra: int) -> None:
        zombies = [child for child in who.proc.children() if child.zombie]
        if zombies:
            child = self._name(zombies[extra % len(zombies)].leader)
            (self.history.waits, self.history.polls)[extra % 2](self._name(who), child)

    def waits_by_id(self, who: Thread, extra: int) -> None:
        zombies = [child for child in who.proc.children() if child.zombie]
        if zombies:
            child = self._name(zombies[extra % len(zombies)].leader)
            (self.history.waits_by_id, self.history.peeks)[extra % 2](self._name(who), child)

    def sleeps(self, who: Thread, _extra: int) -> None:
        children = who.proc.children()
        asleep = any(thread.sleeps_since_ns for thread in who.proc.living())
        if children and not asleep and not any(child.zombie for child in children):
            self.history.sleeps(self._name(who))

    def adopts(self, who: Thread, _extra: int) -> None:
        self.history.adopts_orphans(self._name(who))

    def ignores(self, who: Thread, extra: int) -> None:
        if extra % 4 == 0 and not any(child.zombie for child in who.proc.children()):
            self.history.ignores_children(self._name(who))

    def _wake_sleepers(self) -> None:
        for proc in self.history.procs[1:]:
            for thread in proc.living():
                zombies = [child for child in proc.children() if child.zombie]
                if thread.sleeps_since_ns and zombies:
                    self.history.waits(self._name(thread), self._name(zombies[0].leader))


def played(chosen: list[Step]) -> History:
    """Give the history of these steps."""
    dice = _Dice()
    for step in chosen:
        dice.play(step)
    return dice.history


def damage(trace: FakeTrace, chosen: list[Step]) -> None:
    """Drop, repeat and alter rows, as no recorder would."""
    for how, which, where in chosen:
        tables = [name for name, rows in trace.rows.items() if rows]
        if not tables:
            return
        name = tables[which % len(tables)]
        rows = trace.rows[name]
        row = rows[where % len(rows)]
        if how % 3 == 0:
            rows.remove(row)
        elif how % 3 == 1:
            rows.append(dict(row))
        else:
            numbers = [c.name for c in TABLES[name].columns if c.type != "bytes"]
            column = numbers[(how + where) % len(numbers)]
            other = rows[(which + how) % len(rows)]
            row[column] = (0, 1, other.get(column, 0), 101)[how % 4]
