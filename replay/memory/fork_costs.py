# SPDX-License-Identifier: Apache-2.0
"""What each fork shared, what of it was copied or reused, by whom, and at what cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from replay.memory.breaks import BY_CHILD, BY_PARENT, CHUNK
from replay.memory.pte import PAGE_BYTES
from replay.memory.sharing import shared_pages
from replay.memory.walk import FOREVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from replay.memory.history import PageHistories
    from replay.memory.ranges import Ints

WRITER: Final = pl.Enum(["child", "parent"])
_COUNTS: Final = (
    "child_copied", "child_reused", "parent_copied", "parent_reused", "parent_later",
    "broken", "unseen", "copied_bytes", "copy_ns", "reuse_ns",
)  # fmt: skip


def fork_costs(memory: PageHistories) -> pl.DataFrame:
    """Give a row for each fork, in order of time.

    `time_ns`; `parent`, `child` (numbers of address spaces); `parent_tgid`,
    `parent_leader_start_ns`, `child_tgid`, `child_leader_start_ns`; `child_end_ns` (null: it
    was there to the end), when it executed another program or exited.
    `shared`: private pages of the parent at that moment, as far as recorded faults made them or
    they were there as recording began.
    `child_copied`, `child_reused`, `parent_copied`, `parent_reused`: pages that the first write
    after the fork copied or made writable again; of a huge page, its 512 small ones.
    `parent_later`: those of the parent's that came after the child's end. `broken`: different
    pages that either wrote while the child was there. `unseen`: those of them that are not in
    `shared`, since no fault of them was recorded before. `unbroken`: shared pages that neither
    wrote. `first_writer` ("child", "parent", null: nobody) and `first_write_ns`.
    `copied_bytes`; `copy_ns` and `reuse_ns`: time in these faults.
    """
    forks = pl.DataFrame(
        {"child": memory.forks.child, "shared": shared_pages(memory.events, memory.breaks,
                                                             memory.forks)}
    )  # fmt: skip
    costs = forks.join(_Sums(memory).frame(), on="child", how="left")
    seen = pl.col("broken") - pl.col("unseen")
    unbroken = (pl.col("shared") - seen).clip(lower_bound=0)
    return (
        costs.with_columns(unbroken.alias("unbroken"))
        .join(_who(memory), on="child", how="left")
        .sort("time_ns", "child")
        .select(*_ORDER)
    )


_ORDER = (
    "time_ns", "parent", "child", "parent_tgid", "parent_leader_start_ns", "child_tgid",
    "child_leader_start_ns", "child_end_ns", "shared", "unbroken", "first_writer",
    "first_write_ns", *_COUNTS,
)  # fmt: skip


class _Sums:
    """Sums over breaks for each address space, as the child of the fork that made it."""

    def __init__(self, memory: PageHistories) -> None:
        self._memory = memory
        self._size = len(memory.spaces.spaces)
        names = ("child_copied", "child_reused", "parent_copied", "parent_reused", "parent_later",
                 "broken", "unseen", "copy_ns", "reuse_ns")  # fmt: skip
        self.of = {name: np.zeros(self._size, np.int64) for name in names}
        self._first = {by: np.full(self._size, FOREVER, np.int64) for by in (BY_CHILD, BY_PARENT)}
        self._took = memory.faults["took_ns"].to_numpy()
        for begin in range(0, len(memory.breaks.event), CHUNK):
            self._add(slice(begin, begin + CHUNK))

    def _add(self, part: slice) -> None:
        breaks, events = self._memory.breaks, self._memory.events
        fork, event = breaks.fork[part], breaks.event[part]
        due, copied = fork >= 0, breaks.copied[part]
        child, done = due & (breaks.by[part] == BY_CHILD), events.done[event]
        parent = due & ~child
        later = parent & (done > events.contents.ends[fork])
        different = due & ~later
        different[self._twice(np.flatnonzero(parent & ~later), fork, event)] = False
        for name, where in {
            "child_copied": child & copied,
            "child_reused": child & ~copied,
            "parent_copied": parent & copied,
            "parent_reused": parent & ~copied,
            "parent_later": later,
            "broken": different,
            "unseen": different & breaks.unseen[part],
        }.items():
            self.of[name] += np.bincount(fork[where], minlength=self._size)
        # The time of a huge page's fault is there once for all its small pages.
        once = due & events.first[event]
        for name, where in {"copy_ns": once & copied, "reuse_ns": once & ~copied}.items():
            took = self._took[events.row[event[where]]]
            self.of[name] += np.bincount(fork[where], took, self._size).astype(np.int64)
        for by, where in {BY_CHILD: child, BY_PARENT: parent}.items():
            np.minimum.at(self._first[by], fork[where], done[where])

    def _twice(self, at: Ints, fork: NDArray[np.int32], event: NDArray[np.uint32]) -> Ints:
        """Give those of a parent's writes whose page the child wrote, too."""
        if not at.size:
            return at
        breaks, events = self._memory.breaks, self._memory.events
        page = events.page(event[at].astype(np.int64))
        space = fork[at].astype(np.int64)
        place = np.searchsorted(breaks.event, events.first_of(space, page))
        place = np.minimum(place, len(breaks.event) - 1)
        same = events.key[breaks.event[place]] == events.keys(space, page)
        same &= (breaks.fork[place] == space) & (breaks.by[place] == BY_CHILD)
        twice: Ints = at[same]
        return twice

    def frame(self) -> pl.DataFrame:
        """Give a row for each address space."""
        child, parent = self._first[BY_CHILD], self._first[BY_PARENT]
        earliest = np.minimum(child, parent)
        writer = (
            pl.when(pl.Series(child < parent)).then(pl.lit("child")).otherwise(pl.lit("parent"))
        )
        copies = self.of["child_copied"] + self.of["parent_copied"]
        written = pl.Series(earliest < FOREVER)
        return pl.DataFrame(
            {"child": np.arange(self._size), **self.of, "copied_bytes": copies * PAGE_BYTES}
        ).with_columns(
            pl.when(written).then(writer).cast(WRITER).alias("first_writer"),
            pl.when(written).then(pl.Series(earliest.view(np.uint64))).alias("first_write_ns"),
        )


def _who(memory: PageHistories) -> pl.DataFrame:
    """Say which processes parent and child are."""
    spaces = memory.spaces.spaces
    rows = []
    for number in memory.forks.child.tolist():
        child = spaces[number]
        parent = spaces[child.parent]
        end_ns = None if child.end_ns == FOREVER else child.end_ns
        rows.append((number, child.begin_ns, child.parent, *parent.process, *child.process, end_ns))
    schema = {
        "child": pl.Int64, "time_ns": pl.UInt64, "parent": pl.Int64, "parent_tgid": pl.UInt32,
        "parent_leader_start_ns": pl.UInt64, "child_tgid": pl.UInt32,
        "child_leader_start_ns": pl.UInt64, "child_end_ns": pl.UInt64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema, orient="row")
