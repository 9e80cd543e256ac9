# SPDX-License-Identifier: Apache-2.0
"""The private pages of an address space at a moment, and the frame of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from replay.memory import pte
from replay.memory.candidates import Candidates

if TYPE_CHECKING:
    from replay.memory.history import PageHistories
    from replay.memory.pte import Bools
    from replay.memory.ranges import Ints

_PAGES = 1 << 45
"""More than any address space has: 57 bits of address with 5 levels."""


def page_map(memory: PageHistories, space: int, time_ns: int) -> pl.DataFrame:
    """Give a row for each private page known at a time, in order of address.

    `address`; `frame` (null where the entry mapped none); `space` (the address space whose fault
    put the page into that frame: another one's where a fork shared it), `fault` (that fault's
    row) and `page` (the page it was of): equal (`fault`, `page`) is the same physical page in
    the same generation, in whatever address space.
    """
    events = memory.events
    page = Candidates(events).within(space, 0, _PAGES)
    here, then = np.full_like(page, space), np.full_like(page, time_ns)
    owner = events.owner(here, page, then)
    there = events.private_after(owner)
    page, owner = page[there], origins(memory, owner[there])
    frame = frames(memory, "new", owner, events.page(owner))
    return pl.DataFrame(
        {
            "address": page.astype(np.uint64) * pte.PAGE_BYTES,
            "frame": frame,
            "space": events.space(owner),
            "fault": events.row[owner],
            "page": events.page(owner),
        }
    ).with_columns(pl.when(pl.col("frame") >= 0).then("frame").alias("frame"))


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


def frames(memory: PageHistories, which: str, event: Ints, page: Ints) -> Ints:
    """Give the frame of each small page by the `old` or `new` entry; -1 where it maps none."""
    row = memory.events.row[event]
    entry = memory.faults[f"{which}_pte"].to_numpy()[row]
    level = memory.faults[f"{which}_level"].to_numpy()[row]
    frame = ((entry & pte.FRAME) >> np.uint64(pte.PAGE_SHIFT)).astype(np.int64)
    frame += np.where(level > 1, page % pte.HUGE_PAGES, 0)
    leaf: Bools = pte.states(entry, level) == pte.LEAF
    return np.where(leaf, frame, -1)
