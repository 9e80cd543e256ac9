# SPDX-License-Identifier: Apache-2.0
"""Who became parent of a process after its parent at birth ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from replay.before import INITIAL_PIDNS_INUM
from replay.process import Certainty, ParentReason, ParentSpan, Process, ProcessId
from replay.tables import columns

if TYPE_CHECKING:
    from replay.nodes import Nodes
    from replay.tables import TraceTables


def add_later_parents(trace: TraceTables, born: pl.DataFrame, nodes: Nodes) -> None:
    """Add the parents that processes were given to, then those that they only show at exit."""
    _add_reapers(trace, nodes)
    _add_seen(trace, born, nodes)
    for which in (0, -1):
        _cut_cycles(nodes, which)
    _infer_namespaces(nodes)


_ORPHAN = ("time_ns", "tid", "start_ns", "child_tgid", "child_start_ns", "reaper_tid",
           "reaper_tgid", "reaper_start_ns")  # fmt: skip


def _add_reapers(trace: TraceTables, nodes: Nodes) -> None:
    """Follow forget_original_parent() (kernel/exit.c): one reaper for all children of a task."""
    orphans = _orphans(trace)
    nodes.anomalies.add("orphans_without_reaper", _without_reaper(orphans, nodes))
    # A reaper in the same process is only another thread of the same parent.
    given = orphans.filter((pl.col("reaper_tid") != 0) & (pl.col("reaper_tgid") != pl.col("tgid")))
    for time_ns, tid, start_ns, child_tgid, child_start_ns, *reaper in columns(given, *_ORPHAN):
        child = nodes.processes.get((child_tgid, child_start_ns))
        if child is None:
            nodes.anomalies.add("orphan_unknown")
            continue
        father = nodes.tasks.get((tid, start_ns))
        parent = nodes.process_of(*reaper)
        span = ParentSpan(time_ns, parent, ParentReason.SUBREAPER)
        _classify(span, nodes.processes[father.process] if father else child, nodes)
        child.parents.append(span)


def _orphans(trace: TraceTables) -> pl.DataFrame:
    """Give the orphan rows by time, each with the reaper of the parent's next dead row.

    `first_ended`: the first of the orphans had ended before that row.
    """
    key = ["tid", "start_ns"]
    dead = trace.table("dead").select(
        *key, "reaper_tid", "reaper_tgid", "reaper_start_ns", pl.col("time_ns").alias("dead_ns")
    )
    ended = (
        trace.table("exit")
        .group_by(child_tid="tid", child_start_ns="start_ns")
        .agg(child_end_ns=pl.col("time_ns").min())
    )
    return (
        trace.table("orphan")
        .sort("time_ns", maintain_order=True)
        .join_asof(
            dead.sort("dead_ns"),
            left_on="time_ns",
            right_on="dead_ns",
            by=key,
            strategy="forward",
            check_sortedness=False,  # both are sorted by time, and so is each task's part
        )
        .join(ended, on=["child_tid", "child_start_ns"], how="left", maintain_order="left")
        .with_columns(
            pl.col("reaper_tid").fill_null(0),
            first_ended=(pl.col("child_end_ns") < pl.col("dead_ns"))
            .first()
            .over([*key, "dead_ns"])
            .fill_null(value=False),
        )
    )


def _without_reaper(orphans: pl.DataFrame, nodes: Nodes) -> int:
    """Count orphans given to nobody; an init's children die with it (zap_pid_ns_processes()).

    The first orphan is asked for its new parent at the father's last switch. One that had ended may
    have been reaped by then, as by a parent that ignores SIGCHLD, and there is nobody to ask.
    """
    lone = orphans.filter((pl.col("reaper_tid") == 0) & ~pl.col("first_ended"))
    count = 0
    for tid, tgid, start_ns in columns(lone, "tid", "tgid", "start_ns"):
        father = nodes.process_of(tid, tgid, start_ns)
        process = nodes.processes.get(father) if father is not None else None
        count += process is None or process.ns_pid != 1
    return count


def _classify(span: ParentSpan, father: Process, nodes: Nodes) -> None:
    """Tell the init of the father's pid namespace from a subreaper (find_new_reaper())."""
    if span.parent is None:
        span.certainty = Certainty.UNKNOWN
        nodes.anomalies.add("parent_unknown")
        return
    reaper = nodes.processes.get(span.parent)
    if span.parent.tgid == 1:
        span.reason = ParentReason.INIT
    elif reaper is not None:
        if reaper.ns_pid == 1 and reaper.pidns_inum == father.pidns_inum:
            span.reason = ParentReason.INIT
    elif father.pidns_inum not in (0, INITIAL_PIDNS_INUM):
        # The reaper is not followed and its pid in that namespace not known; mostly it is init.
        span.reason = ParentReason.INIT
        span.certainty = Certainty.INFERRED


_SEEN = ("time_ns", "tgid", "start_ns", "real_parent_tid", "real_parent_tgid",
         "real_parent_start_ns")  # fmt: skip


def _add_seen(trace: TraceTables, born: pl.DataFrame, nodes: Nodes) -> None:
    """Add parents that were not known before the child's own exit showed them."""
    leaders = trace.table("exit").filter(pl.col("tid") == pl.col("tgid"))
    at_birth = born.select(
        pl.col("child_tid").alias("tid"),
        pl.col("child_start_ns").alias("start_ns"),
        pl.col("real_parent_tid").alias("birth_tid"),
        pl.col("real_parent_start_ns").alias("birth_start_ns"),
    )
    same = (pl.col("birth_tid") == pl.col("real_parent_tid")) & (
        pl.col("birth_start_ns") == pl.col("real_parent_start_ns")
    )
    changed = leaders.join(at_birth, on=["tid", "start_ns"], how="left").filter(
        ~same.fill_null(value=False)
    )
    for time_ns, tgid, start_ns, *parent_task in columns(
        changed.sort("time_ns", "tid", "start_ns"), *_SEEN
    ):
        parent = nodes.process_of(*parent_task)
        process = nodes.processes.get((tgid, start_ns))
        if process is None or parent is None:
            continue
        if all(span.parent != parent for span in process.parents):
            add_seen_parent(process, parent, time_ns, nodes)


def add_seen_parent(process: Process, parent: ProcessId, time_ns: int, nodes: Nodes) -> int:
    """Add a parent that is not known yet, as an event at `time_ns` shows it; give since when.

    When it became the parent was not recorded; where the parent before ended before that
    event, it was then.
    """
    spans = process.parents
    before = next((span for span in reversed(spans) if span.since_ns <= time_ns), None)
    if before is None or (len(spans) == 1 and before.certainty is Certainty.UNKNOWN):
        span = ParentSpan(0, parent, ParentReason.SEEN, Certainty.INFERRED)
        process.parents = [span]
        return 0
    nodes.anomalies.add("parent_seen_late")
    old = nodes.processes.get(before.parent) if before.parent is not None else None
    if old is not None and old.end is not None and before.since_ns <= old.end.time_ns <= time_ns:
        time_ns = old.end.time_ns
    spans.append(ParentSpan(time_ns, parent, ParentReason.SEEN, Certainty.INFERRED))
    spans.sort(key=lambda span: span.since_ns)
    return time_ns


def _infer_namespaces(nodes: Nodes) -> None:
    """Take a process of unknown origin to be in the pid namespace of its parent."""
    for process in nodes.processes.values():
        if process.pidns_inum or not process.parents or process.parents[0].parent is None:
            continue
        parent = nodes.processes.get(process.parents[0].parent)
        if parent is not None:
            process.pidns_inum, process.pidns_level = parent.pidns_inum, parent.pidns_level
            if process.pidns_inum == INITIAL_PIDNS_INUM:
                process.ns_pid = process.id.tgid


def _cut_cycles(nodes: Nodes, which: int) -> None:
    """Cut chains of first (0) or last (-1) parents that come back to where they began.

    A parent is older than its child, so only a link to one that is not can be part of a cycle.
    """
    settled: set[ProcessId] = set()
    for process in nodes.processes.values():
        parent = process.parents[which].parent if process.parents else None
        if parent is None or parent.start_ns < process.id.start_ns:
            continue
        path: dict[ProcessId, Process] = {}
        at: Process | None = process
        while at is not None and at.id not in settled and at.id not in path:
            path[at.id] = at
            link = at.parents[which].parent if at.parents else None
            at = nodes.processes.get(link) if link is not None else None
        if at is not None and at.id in path:
            nodes.anomalies.add("parent_cycle")
            at.certainty = Certainty.UNKNOWN
            at.parents[which].parent = None
            at.parents[which].certainty = Certainty.UNKNOWN
        settled.update(path)
