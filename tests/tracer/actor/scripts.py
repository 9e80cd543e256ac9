# SPDX-License-Identifier: Apache-2.0
"""Scripts that are acted without a recorder: a session that looks into /proc stands for it."""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from replay.scenario.plan import Made, encode_plan
from tests.replay.simulator.told import planned
from tracer.actor.acting import Acting
from tracer.actor.script import Script
from tracer.ending import Living
from tracer.start_state import task_state, trees
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.task_starts import TaskStarts

TICK_NS = 10**9 // os.sysconf("SC_CLK_TCK")


def script_of(text: str, **fields: Any) -> Script:  # noqa: ANN401 - what Script has
    """Give the script of a scenario without its head."""
    plan = planned(text)
    return Script(
        name=plan.scenario,
        plan=encode_plan(plan).encode(),
        actors=tuple(one.name for one in plan.actors),
        executed=frozenset(at for at, one in enumerate(plan.actors) if one.made is Made.EXECUTED),
        file_pages={at: one.pages for at, one in enumerate(plan.regions) if one.file},
        **{"description": {"version": 1}, **fields},
    )


class Session:
    """What a session tells of the tree of one process, as /proc shows it now."""

    def __init__(self) -> None:
        self.root = 0
        """Its pid, once it runs."""
        self.starts: TaskStarts | None = None

    def note_starts(self, starts: TaskStarts) -> None:
        self.starts = starts

    def drain(self) -> float:
        return 0.0

    def counts(self) -> tuple[int, int, int, int]:
        return len(self.living()), 0, 0, 0

    def living(self) -> list[Living]:
        try:
            rows = trees([self.root])
        except ProctraceError:
            return []
        ticks = {row.tid: row.start_ticks for row in rows}
        found = []
        for row in rows:
            state = task_state(row.tid)
            if state is not None and state.state not in b"ZX" and row.tgid in ticks:
                start, leader = ticks[row.tid] * TICK_NS, ticks[row.tgid] * TICK_NS
                found.append(Living(row.tid, row.tgid, start, leader))
        return found


@contextmanager
def acted(script: Script) -> Iterator[tuple[Acting, Session, subprocess.Popen[bytes]]]:
    """Begin to act a script; whatever is left in the end is ended."""
    with ExitStack() as stack:
        acting, session = Acting(script, stack), Session()
        acting.follow(session)  # type: ignore[arg-type] # it stands for one
        root = subprocess.Popen(
            [acting.program],
            env=acting.environment(),
            close_fds=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        stack.enter_context(root)
        stack.callback(root.kill)
        session.root = root.pid
        stack.callback(acting.abandon)
        yield acting, session, root
