# SPDX-License-Identifier: Apache-2.0
"""One recording while it runs: the loaded programs, the rings, the trace, and the accounts."""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tracer.collector import Collector
from tracer.counters import tasks_created
from tracer.end_state import write_end_state
from tracer.ending import Living
from tracer.few_rows import write_few_rows
from tracer.kernel_functions import KernelSites
from tracer.losses import LossCounters, write_losses
from tracer.records import (
    FAULT_SLOT_BYTES,
    LARGE_SLOT_BYTES,
    SMALL_SLOT_BYTES,
    STEP_SLOT_BYTES,
)
from tracer.rings import FixedRing, VariableRing
from tracer.stacks import write_stacks
from tracer.start_state import is_living

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracer.losses import Loss
    from tracer.modules import ModuleCatalogue
    from tracer.program import Options, Program
    from tracer.task_starts import TaskStarts
    from tracer.taskstats import TaskstatsListener
    from traces.writer import TraceWriter

# enum COUNT_* in bpf/follow.h
_LIVE, _NEWTASK, _NEWTASK_OTHER, _EXIT, _DEAD = range(5)
# enum ADOPT_* in bpf/follow.h
_ADOPT_AT_EXEC, _ADOPT_AT_ONCE = 1, 2

_SETTLE_S = 0.2
_READINGS = 20


@dataclass(frozen=True, slots=True)
class _Accounts:
    processes: int
    newtasks: int
    newtasks_other: int
    stable: bool = True


class Session:
    """The live side of a recording: follow, drain, and account for everything at the end."""

    def __init__(
        self,
        program: Program,
        options: Options,
        writer: TraceWriter,
        taskstats: TaskstatsListener | None = None,
    ) -> None:
        """Take the programs over, and what tells the kernel's counts of tasks that ended."""
        self.end_ns = 0
        """When nothing was recorded any more, CLOCK_MONOTONIC; known after `finish`."""
        self._taskstats = taskstats
        self._program = program
        self._writer = writer
        bpf = program.bpf
        self._wanted = bpf[b"wanted_tids"]
        self._counts = bpf[b"counts"]
        self._rings = [
            FixedRing(bpf[b"small"].map_fd, options.small_ring_bytes, SMALL_SLOT_BYTES),
            FixedRing(bpf[b"large"].map_fd, options.large_ring_bytes, LARGE_SLOT_BYTES),
        ]
        if options.faults:
            fault_fd = bpf[b"faults"].map_fd
            self._rings.append(FixedRing(fault_fd, options.fault_ring_bytes, FAULT_SLOT_BYTES))
        if options.steps:
            step_fd = bpf[b"steps"].map_fd
            self._rings.append(FixedRing(step_fd, options.step_ring_bytes, STEP_SLOT_BYTES))
        self._text_ring = VariableRing(bpf[b"text"].map_fd, options.text_ring_bytes)
        self._stacks = bpf[b"stacks"] if options.stacks else None
        self._catalogue = _module_catalogue() if options.faults else None
        self._sites = KernelSites() if options.steps else None
        self._collector = Collector(
            writer, self._rings, self._text_ring, self._catalogue, self._sites
        )
        self._losses = LossCounters(bpf[b"lost"])
        self._records_lost = 0
        self._baseline = self._stable_accounts()

    def follow_from_exec(self, tid: int) -> None:
        """Follow this task from its next exec on."""
        self._wanted[ctypes.c_uint(tid)] = ctypes.c_uint(_ADOPT_AT_EXEC)

    def follow_now(self, tids: Iterable[int]) -> None:
        """Follow these running tasks from their next event on."""
        for tid in tids:
            self._wanted[ctypes.c_uint(tid)] = ctypes.c_uint(_ADOPT_AT_ONCE)

    def drain(self) -> float:
        """Take what is in the rings; give how full the fullest was, 0..1."""
        fullness = self._collector.fullness()
        self._collector.drain()
        if self._taskstats is not None:
            self._taskstats.drain()
        return fullness

    def flush(self) -> list[Loss]:
        """Write everything to the file, new losses too, and give those."""
        losses = self._losses.read()
        if self._taskstats is not None:
            losses += self._taskstats.losses()
            write_few_rows(self._writer, "taskstats", self._taskstats.take_rows())
        self._records_lost += sum(loss.count for loss in losses)
        write_losses(self._writer, losses, time.monotonic_ns())
        self._collector.flush()
        return losses

    def anyone_left(self) -> bool:
        """Tell whether any followed task lives, or one that was to be followed may yet appear."""
        return self._count(_LIVE) > 0 or any(is_living(key.value) for key in self._wanted)

    def living(self) -> list[Living]:
        """Give the followed tasks that have not ended; after `finish` those that had not then."""
        found = {
            Living(entry.tid, entry.tgid, entry.start_ns, entry.leader_start_ns)
            for entry in self._entries()
            if not entry.ended
        }
        return sorted(found)

    def followed_tids(self) -> set[int]:
        """Give the tids of all tasks that are followed by now, up to their last switch."""
        return {entry.tid for entry in self._entries()}

    def _entries(self) -> Iterator[Any]:
        followed = self._program.bpf[b"followed"]
        for key in followed:
            try:
                yield followed[key]
            except KeyError:
                continue  # it made its last switch between the two looks

    def counts(self) -> tuple[int, int, int, int]:
        """Tell how many followed tasks live, were created, ended, and made their last switch."""
        live, created, ended, dead = map(self._count, (_LIVE, _NEWTASK, _EXIT, _DEAD))
        return live, created, ended, dead

    def note_starts(self, starts: TaskStarts) -> None:
        """Have the starts of tasks noted as they are written."""
        self._collector.note_starts(starts)

    @property
    def modules(self) -> ModuleCatalogue | None:
        """What notes files and addresses of a recording with faults."""
        return self._catalogue

    @property
    def file_bytes(self) -> int:
        """How long the trace is by now."""
        return self._writer.bytes_written

    @property
    def records_lost(self) -> int:
        """How many records were lost so far."""
        return self._records_lost

    def settle(self) -> None:
        """Wait until every task that ended has made its last switch.

        A parent learns of its child's end before the child's last switch, so a recording that
        stops with its command would miss it.
        """
        give_up = time.monotonic() + _SETTLE_S
        while self._count(_EXIT) > self._count(_DEAD) and time.monotonic() < give_up:
            self.drain()
            time.sleep(0.001)

    def finish(self) -> int:
        """Stop recording and save all that is left, with the accounts.

        Gives how many followed tasks live on.
        """
        self.settle()
        accounts = self._stable_accounts()
        missed = self._program.missed()
        self._program.detach()
        # Read when no program runs any more, so that nothing in the maps is later.
        self.end_ns = time.monotonic_ns()
        self.drain()
        write_end_state(self._writer, self._program.bpf[b"followed"], self.end_ns)
        self.flush()
        if self._stacks is not None:
            write_stacks(self._writer, self._stacks, self._catalogue)
        if self._catalogue is not None:
            self._catalogue.write(self._writer)
        if self._sites is not None:
            self._sites.write(self._writer)
        before = self._baseline
        self._writer.metadata(
            "audit",
            {
                "proc_stat_processes": accounts.processes - before.processes,
                "newtasks_followed": accounts.newtasks - before.newtasks,
                "newtasks_other": accounts.newtasks_other - before.newtasks_other,
                "exits_followed": self._count(_EXIT),
                "stable": accounts.stable and before.stable,
                "missed_programs": missed,
            },
        )
        return self._count(_LIVE)

    def close(self) -> None:
        """Unmap the rings and unload the programs."""
        for ring in (*self._rings, self._text_ring):
            ring.close()
        self._program.close()

    def _count(self, which: int) -> int:
        return int(self._counts[ctypes.c_int(which)].value)

    def _stable_accounts(self) -> _Accounts:
        """Read our counters and the kernel's at the same moment: both twice, until equal."""
        first = self._accounts()
        for _ in range(_READINGS):
            second = self._accounts()
            if first == second:
                return second
            first = second
        return replace(first, stable=False)

    def _accounts(self) -> _Accounts:
        return _Accounts(tasks_created(), self._count(_NEWTASK), self._count(_NEWTASK_OTHER))


def _module_catalogue() -> ModuleCatalogue:
    # pyelftools is imported only for recordings that need it.
    from tracer.modules import ModuleCatalogue  # noqa: PLC0415

    return ModuleCatalogue()
