# SPDX-License-Identifier: Apache-2.0
"""Makes the account of a trace."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

import polars as pl

from replay.compare.account import NOBODY, Account, Loss, Member
from replay.compare.cast import ALL_MEMORY, EVERYWHERE, Cast
from replay.compare.figures import page_figures
from replay.compare.members import TakingPart
from replay.forest import ProcessForest
from replay.losses import Losses
from replay.memory.history import PageHistories
from replay.names import SYSCALLS, errno_name
from replay.recording import Recording
from replay.tables import columns
from traces.shown import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replay.compare.cast import RegionPages
    from replay.tables import TraceTables

_FAULT_RINGS: Final = frozenset({b"fault ring", b"step ring"})
"""Rings whose losses concern no process."""


def account_of(
    trace: TraceTables, *, ordered: bool = False, regions: tuple[RegionPages, ...] = ()
) -> Account:
    """Make it. Of a run of a scenario only its actors take part.

    Pages are counted in its regions or, in a trace that is no such run, in these `regions` and in
    all memory of each process.
    """
    forest, cast = ProcessForest.from_trace(trace), Cast.of(trace)
    taking = TakingPart(forest, cast)
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
