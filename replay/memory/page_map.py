# SPDX-License-Identifier: Apache-2.0
"""The private pages of an address space at a moment, and the frame of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from replay.memory import pte
from replay.memory.candidates import Candidates

if TYPE_CHECKING:
    from replay.memory.history import PageHistories
    from replay.memory.ranges import Ints

MOST_PAGES: Final = 1 << 45
"""More than any address space has: 57 bits of address with 5 levels."""
_BY_FRAME: Final = 1 << 62
_BY_PLACE: Final = 1 << 61
"""Where the names of pages begin that no fault made known: by frame, or by place in the events."""


def page_map(memory: PageHistories, space: int, time_ns: int) -> pl.DataFrame:
    """Give a row for each private page known at a time, in order of address.

    `address`; `frame` (null where the entry mapped none); `space` (the address space whose fault
    put the page into that frame: another one's where a fork shared it), `fault` (that fault's
    row; null for a page that was there as recording began) and `page` (the page it was of);
    `generation`: a number that is the same for the same physical page in the same generation, in
    whatever address space.
    """
    events = memory.events
    page = Candidates(events).within(space, 0, MOST_PAGES)
    here, then = np.full_like(page, space), np.full_like(page, time_ns)
    owner = events.owner(here, page, then)
    there = events.private_after(owner)
    page, owner = page[there], origins(memory, owner[there])
    frame = frames(memory, "new", owner, events.page(owner))
    at_start = pl.Series("at_start", events.at_start(owner))
    return pl.DataFrame(
        {
            "address": page.astype(np.uint64) * pte.PAGE_BYTES,
            "frame": frame,
            "space": events.space(owner),
            "fault": events.row[owner],
            "page": events.page(owner),
            "generation": generations(memory, owner),
        }
    ).with_columns(
        pl.when(pl.col("frame") >= 0).then("frame").alias("frame"),
        pl.when(~at_start).then("fault").alias("fault"),
    )


def origins(memory: PageHistories, event: Ints) -> Ints:
    """Follow reuses back to the event that put the page into the frame where it was reused."""
    events = memory.events
    event = event.copy()
    left = np.arange(len(event))
    while left.size:
        at = event[left]
        space, page = events.space(at), events.page(at)
        before = events.owner(space, page, events.done[at] - 1)
        same = events.private_after(before)
        old = frames(memory, "old", at[same], page[same])
        same[same] = (old >= 0) & (old == frames(memory, "new", at[same], page[same]))
        event[left[same]] = before[same]
        left = left[same]
    return event


def generations(memory: PageHistories, origin: Ints) -> Ints:
    """Name physical pages, given their `origins`: by the fault and which page of a huge one.

    Who had the same frame as recording began had the same page.
    """
    events = memory.events
    named: Ints = events.row[origin].astype(np.int64) * pte.HUGE_PAGES
    named += events.page(origin) % pte.HUGE_PAGES
    at = np.flatnonzero(events.at_start(origin))
    if at.size:
        frame = frames(memory, "new", origin[at], events.page(origin[at]))
        named[at] = np.where(frame >= 0, _BY_FRAME + frame, _BY_PLACE + origin[at])
    return named


def frames(memory: PageHistories, which: str, event: Ints, page: Ints) -> Ints:
    """Give the frame of each small page by the `old` or `new` entry; -1 where it maps none.

    Of a page that was there as recording began, there was no entry before.
    """
    at_start = np.flatnonzero(memory.events.at_start(event))
    row = memory.events.row[event]
    row[at_start] = 0
    if len(at_start) == len(row):
        found = np.full(len(row), pte.NO_FRAME)
    else:
        entry, level = (memory.faults[f"{which}_{of}"].to_numpy()[row] for of in ("pte", "level"))
        found = pte.frames(entry, level, page)
    if at_start.size:
        run = memory.events.run(event[at_start])
        known = memory.start.frame(run, page[at_start])
        found[at_start] = known if which == "new" else pte.NO_FRAME
    return found
