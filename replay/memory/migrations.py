# SPDX-License-Identifier: Apache-2.0
"""Changes of a page's frame without a fault: migration, and collapse into a huge page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from replay.memory.pte import FRAME, HUGE_PAGES, PAGE_SHIFT

if TYPE_CHECKING:
    from replay.memory.pte import Bools
    from replay.memory.ranges import Ints
    from replay.tables import TraceTables

_OUT, _IN = 1, 2
_SUCCEEDED = 1
_MOST_MOVES: Final = 64
"""Migrations of one page between two faults that are followed."""
_LEVELS_4, _FRAME_BITS, _FRAME_BITS_4 = 4, 40, 34
"""MAX_PHYSMEM_BITS less 12 (arch/x86/include/asm/sparsemem.h); bits of a migration entry's offset
above those of the frame are SWP_MIG_YOUNG_BIT and SWP_MIG_DIRTY_BIT (include/linux/swapops.h)."""


class Migrations:
    """Migrated pages: each taken out of one frame and put into another, at an address."""

    def __init__(self, trace: TraceTables) -> None:
        memory = trace.metadata.get("memory")
        levels = memory.get("levels") if isinstance(memory, dict) else None
        bits = _FRAME_BITS_4 if levels == _LEVELS_4 else _FRAME_BITS
        rows = trace.table("migration").sort("time_ns", maintain_order=True)
        frame = np.where(
            rows["what"].to_numpy() == _OUT,
            _old_frames(rows["entry"].to_numpy(), bits),
            (rows["entry"].to_numpy() & FRAME) >> np.uint64(PAGE_SHIFT),
        )
        self._moves = _paired(rows.with_columns(pl.Series("frame", frame.astype(np.int64))))
        done = trace.table("collapse").filter(
            (pl.col("status") == _SUCCEEDED) & (pl.col("index") > 0)
        )
        self._collapses = done.select(
            "mm", (pl.col("index") // HUGE_PAGES).cast(pl.Int64).alias("huge"),
            pl.col("time_ns").cast(pl.Int64).alias("at_ns"),
        ).sort("at_ns")  # fmt: skip

    def explain(
        self, page: Ints, frames: tuple[Ints, Ints], since_ns: Ints, until_ns: Ints
    ) -> Bools:
        """Tell which pages migration took from one frame to another between two times."""
        current, wanted = frames[0].copy(), frames[1]
        time_ns = since_ns.copy()
        left = np.arange(len(page)) if len(self._moves) else np.zeros(0, np.int64)
        for _ in range(_MOST_MOVES):
            if not left.size:
                break
            asked = pl.DataFrame(
                {"at": left, "page": page[left], "old": current[left], "at_ns": time_ns[left] + 1}
            ).sort("at_ns")
            next_ = asked.join_asof(
                self._moves, on="at_ns", by=["page", "old"], strategy="forward", coalesce=False,
                check_sortedness=False,
            ).drop_nulls("new")  # fmt: skip
            left = next_["at"].to_numpy()
            time_ns[left] = next_["at_ns_right"].to_numpy()
            current[left] = np.where(
                time_ns[left] <= until_ns[left], next_["new"].to_numpy(), current[left]
            )
            left = left[(time_ns[left] <= until_ns[left]) & (current[left] != wanted[left])]
        explained: Bools = (current == wanted) & (frames[0] != wanted)
        return explained

    def collapsed(
        self, mm: np.ndarray[tuple[int], np.dtype[np.uint64]], page: Ints, since_ns: Ints,
        until_ns: Ints,
    ) -> Bools:  # fmt: skip
        """Tell which pages of address spaces at `mm` were collapsed between two times."""
        found = np.zeros(len(page), np.bool_)
        if not len(self._collapses):
            return found
        asked = pl.DataFrame(
            {"at": np.arange(len(page)), "mm": mm, "huge": page // HUGE_PAGES,
             "at_ns": since_ns + 1}
        ).sort("at_ns")  # fmt: skip
        next_ = asked.join_asof(
            self._collapses, on="at_ns", by=["mm", "huge"], strategy="forward", coalesce=False,
            check_sortedness=False,
        ).drop_nulls("at_ns_right")  # fmt: skip
        at = next_["at"].to_numpy()
        found[at] = next_["at_ns_right"].to_numpy() <= until_ns[at]
        return found


def _old_frames(
    entry: np.ndarray[tuple[int], np.dtype[np.uint64]], bits: int
) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Give the frames in migration entries: __swp_offset(), arch/x86/include/asm/pgtable_64.h."""
    offset = (~entry << np.uint64(5)) >> np.uint64(14)
    return offset & np.uint64((1 << bits) - 1)


def _paired(rows: pl.DataFrame) -> pl.DataFrame:
    """Give page, old, new and at_ns, in order of time.

    A task takes a batch of pages out and then puts it in, each time in the same order
    (migrate_pages_batch(), mm/migrate.c, 6.18); at one address they pair first with first.
    """
    of = ["tid", "address"]
    began = (pl.col("what") == _OUT) & (pl.col("what").shift(1).over(of) == _IN)
    rows = rows.with_columns(began.fill_null(value=False).cast(pl.UInt32).alias("began"))
    rows = rows.with_columns(pl.col("began").cum_sum().over(of).alias("batch"))
    key = [*of, "batch"]
    rows = rows.with_columns(pl.col("what").cum_count().over([*key, "what"]).alias("place"))
    out, back = (rows.filter(pl.col("what") == what) for what in (_OUT, _IN))
    pairs = out.join(back, on=[*key, "place"], how="inner")
    return pairs.select(
        (pl.col("address") // 4096).cast(pl.Int64).alias("page"),
        pl.col("frame").alias("old"),
        pl.col("frame_right").alias("new"),
        pl.col("time_ns_right").cast(pl.Int64).alias("at_ns"),
    ).sort("at_ns")
