# SPDX-License-Identifier: Apache-2.0
"""What replay rebuilds of the memory of a recording, to be held against what the kernel said."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from replay.memory.fork_costs import fork_costs
from replay.memory.history import PageHistories
from replay.memory.page_map import page_map
from replay.memory.walk import Made
from tests.kernel.pagemap import PAGE_BYTES

if TYPE_CHECKING:
    from replay.memory.walk import Space
    from tests.kernel.obey import CheckPoint, Obedient, Stage


@dataclass
class Differences:
    """Where the kernel and the rebuilt maps say different things, as (pid, address)."""

    compared: int = 0
    """Private pages that both know."""
    arguments: set[tuple[int, int]] = field(default_factory=set)
    """Private pages that exec filled with arguments and environment, and that nobody wrote since:
    get_arg_page() (fs/exec.c) gets them by get_user_pages(), which is no page fault."""
    missing: set[tuple[int, int]] = field(default_factory=set)
    """Other private pages that the rebuilt map lacks."""
    excess: set[tuple[int, int]] = field(default_factory=set)
    """Private pages of the rebuilt map that are not there."""
    moved: set[tuple[int, int]] = field(default_factory=set)
    """Pages that are in another frame."""
    miscounted: set[tuple[int, int]] = field(default_factory=set)
    """Pages that are mapped by another number of address spaces."""

    def none(self) -> bool:
        """Tell whether there is no difference apart from `arguments`."""
        return not (self.missing or self.excess or self.moved or self.miscounted)


class Rebuilt:
    """The page histories of a recording, asked by pid."""

    def __init__(self, stage: Stage) -> None:
        recording = stage.recording()
        self._since_ns = stage.began_ns
        self.memory = PageHistories.from_trace(recording.trace)
        self._argument_pages = {
            (row["mm"], row["time_ns"]): row["start_stack"] & -PAGE_BYTES
            for row in recording.rows("exec")
        }

    def space(self, pid: int, time_ns: int) -> Space:
        """Give the one address space that a process uses at a time.

        A process that ran already is known to use it from its first event on, and used it before.
        """
        found = {
            space.number: space
            for space in self.memory.spaces.spaces
            for use in space.users
            if use.process.tgid == pid and time_ns < use.end_ns
            if use.begin_ns <= time_ns or space.made is Made.BEFORE
        }
        assert len(found) == 1, (pid, time_ns, self.memory.spaces.spaces)
        return next(iter(found.values()))

    def differences(self, point: CheckPoint) -> Differences:
        """Compare every private page of every process at a check point."""
        spaces = self.memory.spaces.spaces
        live = [space for space in spaces if space.begin_ns <= point.time_ns < space.end_ns]
        maps = {space.number: self._pages(space, point.time_ns) for space in live}
        holders = Counter(page for pages in maps.values() for _, page in pages.values())
        found = Differences()
        for pid in point.pages:
            space = self.space(pid, point.time_ns)
            here = maps[space.number]
            arguments = self._first_argument_page(space)
            there = point.anonymous(pid)
            for address, page in there.items():
                if address in here:
                    frame, generation = here[address]
                    found.compared += 1
                    found.moved |= {(pid, address)} if frame != page.frame else set()
                    different = holders[generation] != page.mappings
                    found.miscounted |= {(pid, address)} if different else set()
                elif address >= arguments:
                    found.arguments.add((pid, address))
                else:
                    found.missing.add((pid, address))
            found.excess |= {(pid, address) for address in here.keys() - there.keys()}
        return found

    def _pages(self, space: Space, time_ns: int) -> dict[int, tuple[int, int]]:
        rows = page_map(self.memory, space.number, time_ns)
        columns = rows.select("address", "frame", "generation").iter_rows()
        return {address: (frame, generation) for address, frame, generation in columns}

    def _first_argument_page(self, space: Space) -> int:
        """Give the page of the stack pointer that exec left: all above it exec wrote itself."""
        while space.made is Made.FORK:
            space = self.memory.spaces.spaces[space.parent]
        if space.made is Made.BEFORE:
            return 1 << 64  # exec was before, and all of its pages are known from the start
        page: int = self._argument_pages[space.mm, space.begin_ns]
        return page

    def faults_of(self, process: Obedient, address: int, pages: int) -> pl.DataFrame:
        """Give the faults of a process on some pages, with `row` and `page`.

        Those before the first order are left out: the dynamic linker maps and unmaps files, where
        a region may come to be.
        """
        since = pl.col("time_ns") >= self._since_ns
        end = address + pages * PAGE_BYTES
        within = pl.col("address").is_between(address, end, closed="left")
        return (
            self.memory.faults.with_row_index("row")
            .filter(within & (pl.col("tid") == process.pid) & since)
            .with_columns(page=pl.col("address") // PAGE_BYTES)
        )

    def classes(self, process: Obedient, address: int, pages: int = 1) -> list[str]:
        """Give what the faults of a process on some pages did, in order of time.

        What is alike on every page is there once; on fewer pages than all, it fails.
        """
        own = self.faults_of(process, address, pages)
        of_pages = own.sort("time_ns").group_by("page").agg(pl.col("class").cast(pl.String))
        if not len(own):
            return []
        assert len(of_pages) == pages, of_pages
        alike = {tuple(one) for one in of_pages["class"].to_list()}
        assert len(alike) == 1, own.select("time_ns", "address", "class", "refcount").rows()
        return list(alike.pop())

    def breaks_of(self, process: Obedient, address: int, pages: int) -> list[tuple[int, bool]]:
        """Give (pid of the fork's child, copied) of each write that ended sharing, in order.

        The pid is 0 where no fork is the cause.
        """
        breaks, spaces = self.memory.breaks, self.memory.spaces.spaces
        wanted = set(self.faults_of(process, address, pages)["row"].to_list())
        rows = self.memory.events.row[breaks.event].tolist()
        found = [
            (row, spaces[fork].process.tgid if fork >= 0 else 0, copied)
            for row, fork, copied in zip(
                rows, breaks.fork.tolist(), breaks.copied.tolist(), strict=True
            )
            if row in wanted
        ]
        return [(pid, copied) for _, pid, copied in sorted(found)]

    def fork_of(self, child: Obedient) -> dict[str, Any]:
        """Give what the fork that made a process shared, and what became of it."""
        costs = fork_costs(self.memory).filter(pl.col("child_tgid") == child.pid)
        assert len(costs) == 1, costs
        return costs.row(0, named=True)
