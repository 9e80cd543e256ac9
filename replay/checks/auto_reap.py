# SPDX-License-Identifier: Apache-2.0
"""Threads release themselves; a process that nobody reaped stays a zombie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from replay.checks.check import Check
from replay.checks.judge import Cases, Question, judged
from replay.checks.reaped import stops
from replay.checks.verdict import Verdict, WitnessEvent

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence

_TABLES: Final = ("dead",)
_EXIT_DEAD: Final = 0x10
_EXIT_ZOMBIE: Final = 0x20
_STATES: Final = {0: "running", _EXIT_DEAD: "EXIT_DEAD", _EXIT_ZOMBIE: "EXIT_ZOMBIE",
                  _EXIT_DEAD | _EXIT_ZOMBIE: "EXIT_TRACE"}  # fmt: skip


def _run(evidence: Evidence) -> Verdict:
    rules = [one for one in evidence.model.sequences if one.id == "exit"]
    if not rules:
        return Verdict(CHECK.id, (), ())
    state, thread = pl.col("exit_state"), pl.col("tid") != pl.col("tgid")
    stopped = stops(evidence.trace).get_column("pid").unique().to_list()
    traced = pl.col("tid").is_in(stopped)
    questions = [
        Question(
            part="threads",
            rule="a thread that ends releases itself",
            applies=thread & pl.lit(rules[0].settings.get("threads_reap_themselves") is True),
            # A tracer keeps it as a zombie until it was told.
            holds=pl.when(state == _EXIT_DEAD).then(statement=True)
            .when((state != (_EXIT_ZOMBIE | _EXIT_DEAD)) & ~traced).then(statement=False),
            missing="a tracer keeps it",
            found=lambda row: f"{row['tid']} is {_state(row)}",
        ),
        Question(
            part="processes",
            rule="a task leaves its CPU for ever as a zombie, or released",
            applies=~thread,
            holds=(state & (_EXIT_DEAD | _EXIT_ZOMBIE)) != 0,
            missing="",
            found=lambda row: f"{row['tid']} has the exit state {row['exit_state']:#x}",
        ),
    ]  # fmt: skip
    cases = Cases(evidence.trace.table("dead"), _TABLES, _events)
    return judged(CHECK.id, evidence, cases, questions)


def _state(row: dict[str, Any]) -> str:
    return _STATES.get(row["exit_state"], hex(row["exit_state"]))


def _events(row: dict[str, Any]) -> tuple[WitnessEvent, ...]:
    text = f"{row['tid']} of process {row['tgid']} leaves for ever: {_state(row)}"
    return (WitnessEvent(row["time_ns"], "sched_switch", text),)


CHECK: Final = Check(
    id="auto-reap",
    title="threads release themselves, processes wait for their parent",
    what="At its last switch away a thread that is no leader is EXIT_DEAD: it needs nobody to "
    "reap it. A leader is EXIT_ZOMBIE or EXIT_DEAD, never anything else.",
    why="pthread_join does not go through wait: a thread that stayed would fill the table of pids.",
    limits="A leader that is EXIT_DEAD was reaped already by a quick parent, or released itself "
    "because the parent ignores SIGCHLD; the state does not tell which. A traced thread is kept "
    "by its tracer.",
    example="A thread that is EXIT_ZOMBIE as it leaves violates it.",
    source="kernel/exit.c: exit_notify(), do_task_dead()",
    observed="exit_state in `dead`, at the last sched_switch.",
    run=_run,
)
"""The check."""
