# SPDX-License-Identifier: Apache-2.0
"""Copies and reuses of pages, summed up by what they were due to or where they happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from replay.memory.classes import FaultClass
from replay.memory.layout import MappingKind
from replay.memory.pages import WHOLE
from replay.memory.pte import HUGE_PAGES, PAGE_BYTES

if TYPE_CHECKING:
    from replay.memory.history import PageHistories

_F, _K = FaultClass, MappingKind
_COPIES: Final = (_F.COPY, _F.HUGE_COPY, _F.HUGE_SPLIT)
_REUSES: Final = (_F.REUSE, _F.HUGE_REUSE)
_KERNEL_BEGINS: Final = 1 << 63
_CHUNK: Final = 1 << 19
"""Faults that are summed up at a time, for the sake of memory."""
_Keyed = Callable[[pl.DataFrame], pl.DataFrame]
"""Gives the columns of the key for some of `_writes`."""


class CowKey(StrEnum):
    """What copies are summed up by."""

    FORK = "fork"
    """`fork`: number of the child's address space, null where no fork explains the fault;
    `child_tgid`, `child_leader_start_ns`."""
    PROCESS = "process"
    """`tgid`, `leader_start_ns` of the process that wrote."""
    MAPPING = "mapping"
    """`kind`, `path`, `mapping` of what was written to: the address where it begins, null for
    what is told by its file or its kind alone, in whatever process."""
    SECTION = "section"
    """`kind`, `path`, `section` of what was written to."""
    SYMBOL = "symbol"
    """`path`, `symbol` of the instruction that wrote; `kernel` where the kernel did."""
    ADDRESS = "address"
    """`tgid`, `leader_start_ns`, `page` (its address)."""
    STACK = "stack"
    """`stack`: the functions that led to the write, outermost first, with `;` between them; null
    where none was recorded (record with `--stacks`)."""


@dataclass(frozen=True, slots=True)
class Cow:
    """The rows of `cow_by`, the greatest first, and their sums.

    Beside the columns of the key each row has `copied`, `reused`, `file_copied` (small pages
    that were copied because they may be shared, made writable again, copied from a file),
    `copied_bytes` (without those of files), `share` (of all copied pages, 0 to 1), `copy_ns`
    and `reuse_ns` (time in these faults). `totals` has one row with all but the key and the share.
    """

    rows: pl.DataFrame
    totals: pl.DataFrame


def cow_by(memory: PageHistories, key: CowKey) -> Cow:
    """Sum up every copy and reuse by a key."""
    keyed = _by_fork(memory) if key is CowKey.FORK else partial(_KEYED[key], memory)
    begins = range(0, max(len(memory.faults), 1), _CHUNK)
    parts = pl.concat([_summed(_writes(memory, begin), keyed) for begin in begins])
    names = [name for name in parts.columns if name not in _SUMS]
    summed = pl.col(*_SUMS).sum()
    sums, totals = parts.group_by(names).agg(summed), parts.select(summed)
    share = pl.col("copied") / max(int(totals["copied"][0]), 1)
    ranked = ["copied", "reused", "file_copied"]
    falling = [True] * len(ranked) + [False] * len(names)
    ordered = sums.with_columns(share.alias("share")).sort(
        ranked + names, descending=falling, nulls_last=True
    )
    return Cow(ordered, totals)


def _summed(rows: pl.DataFrame, keyed: _Keyed) -> pl.DataFrame:
    keys = keyed(rows)
    sums = (sum_.alias(name) for name, sum_ in _SUMS.items())
    return rows.select("class", "pages", "took_ns").hstack(keys).group_by(keys.columns).agg(*sums)


def _where(*classes: FaultClass) -> pl.Expr:
    return pl.col("class").is_in(classes)


_COPIED, _REUSED = _where(*_COPIES), _where(*_REUSES)
_SUMS: Final = {
    "copied": pl.col("pages").filter(_COPIED).sum(),
    "reused": pl.col("pages").filter(_REUSED).sum(),
    "file_copied": pl.col("pages").filter(_where(_F.FILE_COW)).sum(),
    "copied_bytes": pl.col("pages").filter(_COPIED).sum() * PAGE_BYTES,
    "copy_ns": pl.col("took_ns").filter(_COPIED).sum(),
    "reuse_ns": pl.col("took_ns").filter(_REUSED).sum(),
}


def _writes(memory: PageHistories, begin: int) -> pl.DataFrame:
    """Give the faults of a chunk that are summed up, each with its row and its pages."""
    wanted = [*_COPIES, *_REUSES, _F.FILE_COW]
    whole = [kind for code, kind in enumerate(_F) if code in WHOLE.tolist()]
    pages = pl.when(pl.col("class").is_in(whole)).then(HUGE_PAGES).otherwise(1)
    # Sums are of the type of what is summed up, and 4 s of copying is soon reached.
    sizes = pages.cast(pl.Int64).alias("pages"), pl.col("took_ns").cast(pl.Int64)
    return (
        memory.faults.slice(begin, _CHUNK)
        .with_row_index("row", begin)
        .filter(pl.col("class").is_in(wanted))
        .select("row", "time_ns", "tid", "space", "address", "ip", "class", "error_code",
                "flags", *sizes)
    )  # fmt: skip


def _by_fork(memory: PageHistories) -> _Keyed:
    breaks, events, spaces = memory.breaks, memory.events, memory.spaces.spaces
    known = breaks.fork >= 0
    due = np.full(len(memory.faults), -1, np.int32)
    due[events.row[breaks.event[known]]] = breaks.fork[known]
    child = pl.DataFrame(
        [(number, *spaces[number].process) for number in memory.forks.child.tolist()],
        {"fork": pl.Int64, "child_tgid": pl.UInt32, "child_leader_start_ns": pl.UInt64},
        orient="row",
    )

    def keyed(rows: pl.DataFrame) -> pl.DataFrame:
        fork = pl.Series("fork", due[rows["row"].to_numpy()].astype(np.int64))
        named = pl.select(pl.when(fork >= 0).then(fork).alias("fork"))
        return named.join(child, on="fork", how="left", maintain_order="left")

    return keyed


def _by_process(memory: PageHistories, rows: pl.DataFrame) -> pl.DataFrame:
    return memory.spaces.assign(rows).select("tgid", "leader_start_ns")


def _by_address(memory: PageHistories, rows: pl.DataFrame) -> pl.DataFrame:
    page = rows["address"].to_numpy() & np.uint64(2**64 - PAGE_BYTES)
    return _by_process(memory, rows).with_columns(pl.Series("page", page))


def _described(memory: PageHistories, rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Say what the addresses in a column belonged to; each different one is looked up once."""
    space, time_ns = rows["space"].to_numpy(), rows["time_ns"].to_numpy().view(np.int64)
    mapping = memory.mappings.find(space.astype(np.int64), rows[column], time_ns)
    asked = pl.DataFrame({"number": mapping, "address": rows[column]})
    once = asked.unique()
    told = memory.mappings.describe(once["number"].to_numpy(), once["address"])
    return asked.join(
        once.hstack(told), on=["number", "address"], how="left", maintain_order="left"
    )


def _by_mapping(memory: PageHistories, rows: pl.DataFrame) -> pl.DataFrame:
    told = _described(memory, rows, "address").select("kind", "path", "mapping")
    several = pl.col("path").is_null() & ~pl.col("kind").is_in([_K.HEAP, _K.STACK, _K.VDSO])
    return told.with_columns(pl.when(several).then("mapping").alias("mapping"))


def _by_section(memory: PageHistories, rows: pl.DataFrame) -> pl.DataFrame:
    return _described(memory, rows, "address").select("kind", "path", "section")


def _by_symbol(memory: PageHistories, rows: pl.DataFrame) -> pl.DataFrame:
    kernel = (rows["ip"] >= _KERNEL_BEGINS).alias("kernel")
    return _described(memory, rows, "ip").select("path", "symbol").with_columns(kernel)


def _by_stack(memory: PageHistories, rows: pl.DataFrame) -> pl.DataFrame:
    return memory.stacks.folded(memory.mappings, rows).alias("stack").to_frame()


_KEYED: Final = {
    CowKey.PROCESS: _by_process,
    CowKey.MAPPING: _by_mapping,
    CowKey.SECTION: _by_section,
    CowKey.SYMBOL: _by_symbol,
    CowKey.ADDRESS: _by_address,
    CowKey.STACK: _by_stack,
}
