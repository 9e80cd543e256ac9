# SPDX-License-Identifier: Apache-2.0
"""Copies and reuses of pages as a table with bars, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from replay.memory.cow import CowKey
from replay.process import ProcessId
from replay.report.page_facts import mapping_words
from replay.report.screen import BOLD, DIM, NOTABLE, PLAIN, Line, Piece, aligned
from replay.report.units import counted, duration, size
from traces.shown import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.memory.cow import Cow
    from replay.report.who import Who

_BAR_CELLS: Final = 20
_HEADINGS: Final = {
    CowKey.FORK: "FORK OF CHILD",
    CowKey.PROCESS: "PROCESS",
    CowKey.MAPPING: "WRITTEN MAPPING",
    CowKey.SECTION: "WRITTEN SECTION",
    CowKey.SYMBOL: "WRITING INSTRUCTION",
    CowKey.ADDRESS: "WRITTEN PAGE",
    CowKey.STACK: "WRITING STACK",
}


def cow_json(
    cow: Cow, key: CowKey, most: int, who: Who, costs: pl.DataFrame | None = None
) -> dict[str, object]:
    """Give the rows and their totals as a value for JSON; bytes are shown as text.

    Rows that name a process have its `command`. With `costs`, those of forks have what
    `fork_costs` says of each.
    """
    rows = _plain(_costed(cow.rows, costs).head(most))
    return {
        "by": str(key),
        "totals": _plain(cow.totals)[0],
        "rows": [_with_command(row, who) for row in rows],
        "rows_in_all": len(cow.rows),
    }


def cow_lines(
    cow: Cow, key: CowKey, most: int, who: Who, costs: pl.DataFrame | None = None
) -> Iterator[Line]:
    """Give the report: totals, then the greatest rows, each with a bar for its share."""
    (totals,) = cow.totals.iter_rows(named=True)
    yield from _total_lines(totals)
    if not len(cow.rows):
        return
    yield []
    heads: tuple[str, ...] = ("COPIED", "BYTES", "REUSED", "FROM FILE", "TIME")
    if costs is not None:
        heads += _COST_HEADINGS
    rows: list[list[Piece]] = [[(text, DIM) for text in (*heads, "SHARE", _HEADINGS[key])]]
    shown_rows = _costed(cow.rows, costs).head(most)
    rows += [_row(row, key, who) for row in shown_rows.iter_rows(named=True)]
    yield from aligned(rows, numbers=tuple(range(len(heads))))
    left = len(cow.rows) - most
    if left > 0:
        yield [(f"and {counted(left, 'row')} more; --top 0 shows all", DIM)]


_COST_HEADINGS: Final = ("SHARED", "BY CHILD", "BY PARENT", "UNBROKEN")
_COSTS: Final = ("shared", "child_copied", "parent_copied", "unbroken")


def _costed(rows: pl.DataFrame, costs: pl.DataFrame | None) -> pl.DataFrame:
    """Put beside the rows of forks what else is known of each."""
    if costs is None:
        return rows
    more = costs.select(
        pl.col("child").alias("fork"), "time_ns", "parent_tgid", "parent_leader_start_ns",
        "child_end_ns", "shared", "unbroken", "child_copied", "child_reused", "parent_copied",
        "parent_reused", "parent_later", "broken", "unseen", "first_writer", "first_write_ns",
    )  # fmt: skip
    return rows.join(more, on="fork", how="left", maintain_order="left")


def _with_command(row: dict[str, Any], who: Who) -> dict[str, Any]:
    """Name the processes of a row."""
    named = dict(row)
    for prefix in ("", "child_", "parent_"):
        tgid = row.get(f"{prefix}tgid")
        if tgid is not None:
            process = ProcessId(tgid, row[f"{prefix}leader_start_ns"])
            named[f"{prefix}command"] = who.command(process)
    return named


def _total_lines(totals: dict[str, Any]) -> Iterator[Line]:
    copied = f"{totals['copied']:,} pages ({size(totals['copied_bytes'])})"
    yield [("copied    ", DIM), (copied, BOLD), (f" in {duration(totals['copy_ns'])}", PLAIN)]
    reused = f"{totals['reused']:,} pages in {duration(totals['reuse_ns'])}"
    yield [("reused    ", DIM), (reused, PLAIN)]
    yield [("from file ", DIM), (f"{totals['file_copied']:,} pages", PLAIN)]


def _row(row: dict[str, Any], key: CowKey, who: Who) -> list[Piece]:
    cells = round(row["share"] * _BAR_CELLS)
    costs = [(_count(row[name]), PLAIN) for name in _COSTS if name in row]
    return [
        (f"{row['copied']:,}", PLAIN),
        (size(row["copied_bytes"]), PLAIN),
        (f"{row['reused']:,}", PLAIN),
        (f"{row['file_copied']:,}", PLAIN),
        (duration(row["copy_ns"] + row["reuse_ns"]), PLAIN),
        *costs,
        ("#" * cells + "·" * (_BAR_CELLS - cells), NOTABLE if cells else DIM),
        (_what(row, key, who), PLAIN),
    ]


def _count(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"


def _what(row: dict[str, Any], key: CowKey, who: Who) -> str:
    if key in {CowKey.FORK, CowKey.STACK}:
        return _if_recorded(row, key, who)
    if key is CowKey.PROCESS:
        return who.process(_writer(row))
    if key is CowKey.ADDRESS:
        return f"{row['page']:#x} of {who.process(_writer(row))}"
    if key is CowKey.MAPPING:
        return mapping_words(row)
    if key is CowKey.SYMBOL:
        return "the kernel" if row["kernel"] else _named(row["symbol"], row["path"]) or "unknown"
    return " ".join(word for word in (row["kind"], _named(row["section"], row["path"])) if word)


def _if_recorded(row: dict[str, Any], key: CowKey, who: Who) -> str:
    if row[key] is None:
        return f"no {key} that was recorded"
    return who.fork(row[key]) if key is CowKey.FORK else shown(row[key].encode())


def _writer(row: dict[str, Any]) -> ProcessId:
    return ProcessId(row["tgid"], row["leader_start_ns"])


def _named(part: bytes | str | None, path: bytes | str | None) -> str:
    return " in ".join(word for word in (_text(part), _text(path)) if word)


def _text(value: bytes | str | None) -> str:
    return shown(value) if isinstance(value, bytes) else value or ""


def _plain(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return [
        {name: shown(value) if isinstance(value, bytes) else value for name, value in row.items()}
        for row in frame.iter_rows(named=True)
    ]
