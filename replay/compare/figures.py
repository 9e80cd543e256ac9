# SPDX-License-Identifier: Apache-2.0
"""What happened to the pages of each region in each address space, in columns."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from replay.compare.account import PageFigures, Place
from replay.memory.classes import PAGE_READ, FaultClass
from replay.memory.sharing import shared_pages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from replay.compare.cast import RegionPages
    from replay.memory.history import PageHistories

SHARED: Final = "shared"
"""Private pages that a process had from its parent as it was created."""
COPIED, REUSED = "copied", "reused"
_NAMES: Final = {FaultClass.COPY.value: COPIED, FaultClass.REUSE.value: REUSED}
PAGE_FIGURES: Final = (
    COPIED, REUSED, SHARED, *(kind.value for kind in FaultClass if kind.value not in _NAMES),
)  # fmt: skip
"""All figures of pages."""
BY_CHANCE: Final = frozenset({
    FaultClass.SPURIOUS.value, FaultClass.RACED.value, FaultClass.INCOMPLETE.value,
    FaultClass.MIGRATION_WAIT.value, FaultClass.NUMA_HINT.value, FaultClass.SWAP_IN.value,
    FaultClass.UNKNOWN.value,
})  # fmt: skip
"""Classes of faults that depend on what other CPUs do at that moment: no scenario has them."""


def page_figures(
    memory: PageHistories,
    regions: Sequence[RegionPages],
    members: Mapping[tuple[int, int], int],
) -> PageFigures:
    """Count; `members` gives the number of each process that takes part, by its identity."""
    owner = np.array(
        [members.get(space.process, -1) for space in memory.spaces.spaces] + [-1], np.int64
    )
    found = PageFigures()
    faults = memory.faults.select("time_ns", "class", "flags", "refcount", "mapcount").with_columns(
        pl.Series("member", owner[memory.faults["space"].to_numpy()]),
        _region_of(memory, regions),
    )
    _add_counts(found, faults, regions)
    _add_alone(found, faults, regions)
    _add_shared(found, memory, regions, owner)
    return found


def _region_of(memory: PageHistories, regions: Sequence[RegionPages]) -> pl.Series:
    """Give the number of the region of each fault, -1 outside of all."""
    page = (memory.faults["address"].to_numpy() >> np.uint64(12)).astype(np.int64)
    number = np.full(len(page), -1, np.int64)
    for at, region in enumerate(regions):
        number[(page >= region.first) & (page < region.end)] = at
    return pl.Series("region", number)


def _add_counts(found: PageFigures, faults: pl.DataFrame, regions: Sequence[RegionPages]) -> None:
    sums = (
        faults.filter(pl.col("member") >= 0)
        .group_by("member", "region", "class")
        .agg(pl.len().alias("count"), pl.col("time_ns").min().alias("first_ns"))
        .sort("member", "region", "class")
    )
    for member, region, kind, count, first_ns in sums.iter_rows():
        figure = _NAMES.get(kind, kind)
        if region < 0:
            found.elsewhere[figure] += count
            continue
        place = Place(member, regions[region].name)
        found.counts.setdefault(place, Counter())[figure] = count
        found.first_ns[place, figure] = first_ns


def _add_alone(found: PageFigures, faults: pl.DataFrame, regions: Sequence[RegionPages]) -> None:
    """Count copies of pages that only their writer mapped.

    wp_can_reuse_anon_folio() (mm/memory.c) refuses a page to which somebody else holds a
    reference, as the LRU batch of another CPU does.
    """
    copied = pl.col("class") == FaultClass.COPY.value
    lone = (pl.col("mapcount") == 1) & (pl.col("refcount") > 1)
    read = (pl.col("flags") & PAGE_READ) != 0
    inside = (pl.col("member") >= 0) & (pl.col("region") >= 0)
    sums = faults.filter(copied & lone & read & inside).group_by("member", "region").len()
    for member, region, count in sums.iter_rows():
        found.alone[Place(member, regions[region].name)] = count


def _add_shared(
    found: PageFigures,
    memory: PageHistories,
    regions: Sequence[RegionPages],
    owner: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> None:
    member = owner[memory.forks.child]
    for region in regions:
        shared = shared_pages(
            memory.events, memory.breaks, memory.forks, (region.first, region.end)
        )
        for at in np.flatnonzero((shared > 0) & (member >= 0)).tolist():
            place = Place(int(member[at]), region.name)
            figures = found.counts.setdefault(place, Counter())
            figures[SHARED] += int(shared[at])
            found.first_ns.setdefault((place, SHARED), int(memory.forks.time_ns[at]))
