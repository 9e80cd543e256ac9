# SPDX-License-Identifier: Apache-2.0
"""Whom a recording follows from its beginning: its command, and what runs already."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tracer import start_state
from tracer.few_rows import write_few_rows
from tracer.start_memory import write_start_memory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracer.launch import Launched
    from tracer.request import Request
    from tracer.session import Session
    from tracer.start_state import StartTask
    from traces.writer import TraceWriter

_LOOKS_MAX = 20
"""Who is found by then and not followed was born and forked faster than /proc can be read."""


def follow(
    request: Request, launched: Launched | None, session: Session, writer: TraceWriter
) -> None:
    """Tell the programs whom to follow, and write down how those tasks stand now.

    Raise ProctraceError for a process or a cgroup that is not there.
    """
    rows = start_state.whole_host() if request.whole_host else []
    if launched is not None:
        session.follow_from_exec(launched.pid)
        rows += start_state.of_tasks([launched.pid])
    if not request.whole_host:
        rows += _adopt_running(request, session)
    write_few_rows(writer, "start_task", [row._asdict() for row in rows])
    if request.faults and request.adopts_running:
        tgids = sorted({row.tgid for row in rows} - {os.getpid()})
        write_start_memory(writer, tgids, session.modules)


def _adopt_running(request: Request, session: Session) -> list[StartTask]:
    """Follow what runs already; look again until nobody was born between look and follow."""
    known: dict[int, StartTask] = {}
    for _ in range(_LOOKS_MAX):
        fresh = _unfollowed((row for row in _running(request) if row.tid not in known), session)
        if not fresh:
            break
        session.follow_now(fresh)
        known |= fresh
    return list(known.values())


def _running(request: Request) -> list[StartTask]:
    found = start_state.trees(request.pids) if request.pids else []
    if request.cgroup is not None:
        found += start_state.of_tasks(start_state.cgroup_tasks(request.cgroup))
    return found


def _unfollowed(rows: Iterable[StartTask], session: Session) -> dict[int, StartTask]:
    """Give the tasks, by tid, that no program follows yet.

    Children of those that are followed are followed from their birth on, so in a tree that forks
    all the time somebody is new at every look. Whoever has ended since the look is left out: its
    entry may be gone by then, and its tid is another's soon.
    """
    found = {row.tid: row for row in rows}
    followed = session.followed_tids() if found else set()
    return {
        tid: row for tid, row in found.items() if tid not in followed and start_state.is_living(tid)
    }
