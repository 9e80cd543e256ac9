# SPDX-License-Identifier: Apache-2.0
"""Copies and reuses of pages, summed up by what they were due to or where they happened."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
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
    rows = _writes(memory)
    keyed = rows.hstack(_KEYED[key](memory, rows))
    names = keyed.columns[len(rows.columns) :]
    sums = keyed.group_by(names).agg(*_SUMS)
    totals = rows.select(*_SUMS)
    share = pl.col("copied") / max(int(totals["copied"][0]), 1)
    ranked = ["copied", "reused", "file_copied"]
    falling = [True] * len(ranked) + [False] * len(names)
    ordered = sums.with_columns(share.alias("share")).sort(
        ranked + names, descending=falling, nulls_last=True
    )
    return Cow(ordered, totals)


def _sums(where: pl.Expr, name: str) -> pl.Expr:
    return pl.col("pages").filter(where).sum().cast(pl.Int64).alias(name)


_COPIED, _REUSED = pl.col("class").is_in(_COPIES), pl.col("class").is_in(_REUSES)
_SUMS: Final = (
    _sums(_COPIED, "copied"),
    _sums(_REUSED, "reused"),
    _sums(pl.col("class") == _F.FILE_COW, "file_copied"),
    (_sums(_COPIED, "copied") * PAGE_BYTES).alias("copied_bytes"),
    pl.col("took_ns").filter(_COPIED).sum().cast(pl.Int64).alias("copy_ns"),
    pl.col("took_ns").filter(_REUSED).sum().cast(pl.Int64).alias("reuse_ns"),
)


def _writes(memory: PageHistories) -> pl.DataFrame:
    """Give the faults that are summed up, with their place in the table and their pages."""
    wanted = [*_COPIES, *_REUSES, _F.FILE_COW]
    whole = [kind for code, kind in enumerate(_F) if code in WHOLE.tolist()]
    pages = pl.when(pl.col("class").is_in(whole)).then(HUGE_PAGES).otherwise(1)
    return (
        memory.faults.with_row_index("row")
        .filter(pl.col("class").is_in(wanted))
        .select("row", "time_ns", "tid", "space", "address", "ip", "class", "took_ns",
                "error_code", "flags", pages.alias("pages"))
    )  # fmt: skip


def _by_fork(memory: PageHistories, rows: pl.DataFrame) -> pl.DataFrame:
    breaks, events, spaces = memory.breaks, memory.events, memory.spaces.spaces
    known = breaks.fork >= 0
    due = np.full(len(memory.faults), -1, np.int64)
    due[events.row[breaks.event[known]]] = breaks.fork[known]
    fork = due[rows["row"].to_numpy()]
    child = pl.DataFrame(
        [(number, *spaces[number].process) for number in memory.forks.child.tolist()],
        {"fork": pl.Int64, "child_tgid": pl.UInt32, "child_leader_start_ns": pl.UInt64},
        orient="row",
    )
    named = pl.DataFrame({"fork": fork}).with_columns(
        pl.when(pl.col("fork") >= 0).then("fork").alias("fork")
    )
    return named.join(child, on="fork", how="left", maintain_order="left")


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
    CowKey.FORK: _by_fork,
    CowKey.PROCESS: _by_process,
    CowKey.MAPPING: _by_mapping,
    CowKey.SECTION: _by_section,
    CowKey.SYMBOL: _by_symbol,
    CowKey.ADDRESS: _by_address,
    CowKey.STACK: _by_stack,
}
