# SPDX-License-Identifier: Apache-2.0
"""What the commands about memory begin with, and the mistakes that a user can make with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from replay.chosen import chosen_process
from replay.creation import how_created
from replay.forest import ProcessForest
from replay.memory.fork_costs import fork_costs
from replay.memory.history import PageHistories
from replay.memory.image_parts import image_parts
from replay.memory.pte import PAGE_BYTES
from replay.memory.story import PageStory, nearest_pages, spaces_of, stories_of
from replay.memory.walk import Made
from replay.recording import Recording
from replay.report.cow_process import ProcessView, SpaceView
from replay.report.page_facts import ending_of
from replay.report.progress import progress
from replay.report.who import Who
from traces.errors import STATUS_UNUSABLE_INPUT, ProctraceError
from traces.reader import Trace, open_trace
from traces.shown import shown

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from replay.process import Process, ProcessId

_LIST_FORKS: Final = "'proctrace cow FILE --by fork' lists the forks"


@dataclass(frozen=True, slots=True)
class Remembered:
    """A trace with its processes and its memory."""

    trace: Trace
    forest: ProcessForest
    memory: PageHistories
    who: Who
    begin_ns: int
    end_ns: int

    def costs(self) -> pl.DataFrame:
        """Give what each fork cost."""
        return fork_costs(self.memory)

    def fork(self, pid: str) -> dict[str, Any]:
        """Give the row of `fork_costs` of the child PID; a ProctraceError where it has none."""
        process = chosen_process(self.forest, pid)
        for space in self.memory.spaces.spaces:
            if space.made is Made.FORK and space.process == process.id:
                costs = self.costs()
                at = costs["child"].to_list().index(space.number)
                return costs.row(at, named=True)
        raise _error(
            f"process {process.id.tgid} got no copy of its parent's memory",
            self._why_no_fork(process),
            _LIST_FORKS,
        )

    def ending(self, space: int) -> str:
        """Say how an address space ended."""
        return ending_of(self.forest, self.memory.spaces, self.who, space)

    def _why_no_fork(self, process: Process) -> str:
        creation = process.leader.creation
        if creation is None:
            return "it was there before it was followed"
        return f"its {how_created(creation)} shared the memory of the parent, and copied nothing"

    def stories(self, process: ProcessId, address: int) -> list[PageStory]:
        """Tell the stories of a page; a ProctraceError where nothing is known of it."""
        found = stories_of(self.memory, process, address)
        if found:
            return found
        near = [f"{one:#x}" for one in nearest_pages(self.memory, process, address)]
        hint = "a page that the kernel mapped around another one takes no fault"
        if near:
            hint = f"the nearest pages that were touched: {' and '.join(near)}"
        page = address - address % PAGE_BYTES
        raise _error(
            f"nothing is known of page {page:#x} of process {process.tgid}",
            "no fault of it was recorded, in this process or in one that it was forked from",
            hint,
        )

    def process_view(self, pid: str) -> ProcessView:
        """Give the memory of the process PID, as it was at the end of each program that it ran."""
        process = chosen_process(self.forest, pid)
        spaces = []
        for number in spaces_of(self.memory, process.id):
            space = self.memory.spaces.spaces[number]
            # A vfork child borrows its parent's memory, which is not its own.
            if space.process == process.id:
                parts = image_parts(self.memory, self.trace, number)
                spaces.append(SpaceView(space, parts, self.ending(number)))
        return ProcessView(process, spaces, self.who, self.begin_ns, self.end_ns)


def remembered(file: Path) -> Remembered:
    """Open a trace and rebuild all of it; a ProctraceError where it has no page faults."""
    with progress("rebuilding the memory"):
        trace = open_trace(file)
        if not trace.rows("fault"):
            raise _error(
                f"no page faults in {shown(bytes(file))}",
                "it was recorded with --no-faults, or on a host where they cannot be recorded",
                "'proctrace info FILE' shows which; record again without --no-faults",
            )
        forest, memory = ProcessForest.from_trace(trace), PageHistories.from_trace(trace)
        recording = Recording.of(trace)
        who = Who(forest, memory.spaces)
        return Remembered(trace, forest, memory, who, recording.begin_ns, recording.end_ns)


def _error(what: str, why: str, hint: str) -> ProctraceError:
    return ProctraceError(what, why, hint, status=STATUS_UNUSABLE_INPUT)
