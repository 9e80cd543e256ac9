# SPDX-License-Identifier: Apache-2.0
"""The memory of a recording: its faults with their classes, and all that explains them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from replay.memory.breaks import Breaks, Forks
from replay.memory.changes import changes
from replay.memory.classes import CODES, FaultClass, fault_codes, to_enum
from replay.memory.contents import Contents
from replay.memory.layout import pieces
from replay.memory.mappings import Mappings
from replay.memory.migrations import Migrations
from replay.memory.modules import Modules
from replay.memory.pages import PageEvents
from replay.memory.pte import PAGE_SHIFT, ZeroPages
from replay.memory.refine import refine
from replay.memory.spaces import AddressSpaces
from replay.memory.stacks import Stacks
from replay.memory.start import StartPages
from replay.memory.start_layout import start_pieces
from replay.tables import columns

if TYPE_CHECKING:
    import polars as pl

    from replay.tables import TraceTables


@dataclass(frozen=True, slots=True)
class PageHistories:
    """What a recording says about memory; the analyses of this package start from it."""

    faults: pl.DataFrame
    """Table `fault` in the order of the file, with `space` (number of the address space,
    NOWHERE where not known) and `class` (see `FaultClass`)."""
    spaces: AddressSpaces
    mappings: Mappings
    events: PageEvents
    forks: Forks
    breaks: Breaks
    stacks: Stacks
    migrations: Migrations
    start: StartPages
    """The pages that were there when a recording of running processes began."""

    @classmethod
    def from_trace(cls, trace: TraceTables) -> PageHistories:
        """Rebuild them; nothing in a trace makes this fail."""
        spaces, modules = AddressSpaces.from_trace(trace), Modules(trace)
        calls = changes(trace, spaces)
        image = start_pieces(trace, spaces, modules) + pieces(trace, spaces, modules)
        mappings = Mappings(spaces, modules, image, calls)
        faults = trace.table("fault")
        faults = faults.with_columns(spaces.assign(faults)["space"])
        codes = fault_codes(faults, ZeroPages.of(trace.metadata))
        refine(faults, codes, mappings, spaces, _stack_pages(trace, spaces))
        start = StartPages(trace, spaces)
        events = PageEvents(faults, codes, Contents(spaces, calls), start)
        codes[events.raced] = CODES[FaultClass.RACED]
        forks = Forks(spaces.parents(), spaces.begins().view(np.int64))
        breaks = Breaks(faults, events, forks)
        faults = faults.with_columns(to_enum(codes))
        more = Stacks(trace), Migrations(trace), start
        return cls(faults, spaces, mappings, events, forks, breaks, *more)


def _stack_pages(trace: TraceTables, spaces: AddressSpaces) -> dict[int, int]:
    """Give the page of the stack pointer that each new image began with."""
    started = {
        (mm, time_ns): start >> PAGE_SHIFT
        for mm, time_ns, start in columns(trace.table("exec"), "mm", "time_ns", "start_stack")
        if start
    }
    return {
        space.number: started[space.mm, space.begin_ns]
        for space in spaces.spaces
        if (space.mm, space.begin_ns) in started
    }
