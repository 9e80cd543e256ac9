# SPDX-License-Identifier: Apache-2.0
"""Which program each process ran, when, and which it tried to run."""

from __future__ import annotations

from bisect import bisect_right
from itertools import repeat
from typing import TYPE_CHECKING

from replay.process import Certainty, FailedExec, Image, TaskId
from replay.tables import columns
from replay.text import Strings, TextFlag, What, arguments, joined_path, strings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import polars as pl

    from replay.nodes import Nodes
    from replay.process import Process
    from replay.tables import TraceTables


def add_images(trace: TraceTables, nodes: Nodes) -> None:
    """Give each process the programs it executed, and those it failed to execute."""
    text = trace.table("text")
    _add_executed(trace.table("exec").sort("time_ns", maintain_order=True), text, nodes)
    _add_failed(trace.table("exec_failed").sort("time_ns", maintain_order=True), text, nodes)


_EXEC = ("tid", "start_ns", "time_ns", "old_tid", "old_start_ns", "enter_ns", "argc", "uid",
         "cgroup")  # fmt: skip


def _add_executed(rows: pl.DataFrame, text: pl.DataFrame, nodes: Nodes) -> None:
    argv, argv_flags = strings(rows, text, What.ARGV)
    shared = _Shared()
    texts = zip(
        argv,
        argv_flags,
        shared.plain(strings(rows, text, What.PATH)),
        shared.paths(strings(rows, text, What.EXECUTABLE)),
        shared.plain(strings(rows, text, What.INTERPRETER)),
        shared.paths(strings(rows, text, What.CWD)),
        shared.environments(strings(rows, text, What.ENVIRONMENT)),
        strict=True,
    )
    for row, (data, flags, *rest) in zip(columns(rows, *_EXEC), texts, strict=True):
        tid, start_ns, time_ns, old_tid, old_start_ns, enter_ns, argc, uid, cgroup = row
        process = nodes.processes[nodes.tasks[tid, start_ns].process]
        process.uid, process.cgroup = uid, cgroup
        by = TaskId(old_tid, old_start_ns)
        args = shared.arguments(data)
        path, executable, interpreter, cwd, environment = rest
        image = Image(
            time_ns, args, flags != 0, path, executable, interpreter, cwd, environment, by, enter_ns
        )
        if flags >= TextFlag.UNREADABLE or (argc and not args):
            nodes.anomalies.add("argv_missing")
            image.argv_truncated = True
            image.certainty = Certainty.UNKNOWN
        process.images.append(image)
        if old_tid != tid:
            nodes.tasks[by].became_leader_ns = time_ns
    _fill_namespaces(rows, nodes)


def _fill_namespaces(rows: pl.DataFrame, nodes: Nodes) -> None:
    """Tell processes of unknown origin their pid namespace, which never changes."""
    if all(process.pidns_inum for process in nodes.processes.values()):
        return
    names = ("tid", "start_ns", "pidns_level", "pidns_inum", "ns_tid")
    for tid, start_ns, level, inum, ns_tid in columns(rows, *names):
        process = nodes.processes[nodes.tasks[tid, start_ns].process]
        if not process.pidns_inum:
            process.pidns_level, process.pidns_inum, process.ns_pid = level, inum, ns_tid


_FAILED = ("tid", "start_ns", "time_ns", "result")


def _add_failed(rows: pl.DataFrame, text: pl.DataFrame, nodes: Nodes) -> None:
    paths, argv = strings(rows, text, What.PATH), strings(rows, text, What.ARGV)
    for row, path, (data, flags) in zip(
        columns(rows, *_FAILED), paths.data, argv.rows(), strict=True
    ):
        tid, start_ns, time_ns, result = row
        by = TaskId(tid, start_ns)
        args = arguments(data or b"")
        failed = FailedExec(time_ns, by, path or b"", args, flags != 0, -result)
        nodes.processes[nodes.tasks[by].process].failed_execs.append(failed)


class _Shared:
    """Strings of which a recording has few different ones, each kept once."""

    def __init__(self) -> None:
        self._paths: dict[tuple[bytes, int], bytes] = {}
        self._plain: dict[bytes, bytes] = {}
        self._arguments: dict[bytes, tuple[bytes, ...]] = {}

    def plain(self, found: Strings) -> Iterator[bytes]:
        for data in found.data:
            yield self._plain.setdefault(data, data) if data else b""

    def paths(self, found: Strings) -> Iterator[bytes]:
        for data, flags in found.rows():
            if data is None:
                yield b""
                continue
            path = self._paths.get((data, flags))
            if path is None:
                path = self._paths[data, flags] = joined_path(data, flags)
            yield path

    def environments(self, found: Strings) -> Iterable[tuple[bytes, ...]]:
        if not any(found.data):
            return repeat((), len(found.data))
        return map(self.arguments, found.data)

    def arguments(self, data: bytes | None) -> tuple[bytes, ...]:
        if not data:
            return ()
        parts = self._arguments.get(data)
        if parts is None:
            parts = self._arguments[data] = arguments(data)
        return parts


def set_inherited(processes: list[Process], nodes: Nodes) -> None:
    """Give each process the image that its creator ran then; creators come first in the list.

    copy_process() copies its caller, which CLONE_PARENT makes no parent of the child.
    """
    for process in processes:
        creation = process.leader.creation
        if creation is None:
            continue
        caller = nodes.tasks.get(creation.caller)
        if caller is not None:
            process.inherited = image_at(nodes.processes[caller.process], creation.time_ns)


def image_at(process: Process, time_ns: int) -> Image | None:
    """Give the program that a process was running at a moment; None where it is not known."""
    images = process.images
    if not images or time_ns < images[0].time_ns:
        return process.inherited
    if images[-1].time_ns <= time_ns:
        return images[-1]
    return images[bisect_right(images, time_ns, key=_since) - 1]


def _since(image: Image) -> int:
    return image.time_ns
