# SPDX-License-Identifier: Apache-2.0
"""Copies and reuses of pages as a table with bars, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from replay.memory.cow import CowKey
from replay.report.screen import BOLD, DIM, NOTABLE, PLAIN, Line, Piece, aligned
from replay.report.units import counted, duration, size
from traces.shown import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from replay.memory.cow import Cow

_BAR_CELLS: Final = 20
_HEADINGS: Final = {
    CowKey.FORK: "FORK OF CHILD",
    CowKey.PROCESS: "PROCESS",
    CowKey.MAPPING: "WRITTEN MAPPING",
    CowKey.SECTION: "WRITTEN SECTION",
    CowKey.SYMBOL: "WRITING INSTRUCTION",
    CowKey.ADDRESS: "WRITTEN PAGE",
}


def cow_json(cow: Cow, key: CowKey, most: int | None) -> dict[str, object]:
    """Give the rows and their totals as a value for JSON; bytes are shown as text."""
    return {
        "by": str(key),
        "totals": _plain(cow.totals)[0],
        "rows": _plain(cow.rows.head(most) if most is not None else cow.rows),
        "rows_in_all": len(cow.rows),
    }


def cow_lines(cow: Cow, key: CowKey, most: int) -> Iterator[Line]:
    """Give the report: totals, then the greatest rows, each with a bar for its share."""
    (totals,) = cow.totals.iter_rows(named=True)
    yield from _total_lines(totals)
    if not len(cow.rows):
        return
    yield []
    heads = ("COPIED", "BYTES", "REUSED", "FROM FILE", "TIME", "SHARE", _HEADINGS[key])
    rows: list[list[Piece]] = [[(text, DIM) for text in heads]]
    rows += [_row(row, key) for row in cow.rows.head(most).iter_rows(named=True)]
    yield from aligned(rows, numbers=(0, 1, 2, 3, 4))
    left = len(cow.rows) - most
    if left > 0:
        yield [(f"and {counted(left, 'row')} more; --top 0 shows all", DIM)]


def _total_lines(totals: dict[str, Any]) -> Iterator[Line]:
    copied = f"{totals['copied']:,} pages ({size(totals['copied_bytes'])})"
    yield [("copied    ", DIM), (copied, BOLD), (f" in {duration(totals['copy_ns'])}", PLAIN)]
    reused = f"{totals['reused']:,} pages in {duration(totals['reuse_ns'])}"
    yield [("reused    ", DIM), (reused, PLAIN)]
    yield [("from file ", DIM), (f"{totals['file_copied']:,} pages", PLAIN)]


def _row(row: dict[str, Any], key: CowKey) -> list[Piece]:
    cells = round(row["share"] * _BAR_CELLS)
    return [
        (f"{row['copied']:,}", PLAIN),
        (size(row["copied_bytes"]), PLAIN),
        (f"{row['reused']:,}", PLAIN),
        (f"{row['file_copied']:,}", PLAIN),
        (duration(row["copy_ns"] + row["reuse_ns"]), PLAIN),
        ("#" * cells + "·" * (_BAR_CELLS - cells), NOTABLE if cells else DIM),
        (_what(row, key), PLAIN),
    ]


def _what(row: dict[str, Any], key: CowKey) -> str:
    if key is CowKey.FORK:
        return "no fork that was recorded" if row["fork"] is None else f"{row['child_tgid']}"
    if key is CowKey.PROCESS:
        return f"{row['tgid']}"
    if key is CowKey.ADDRESS:
        return f"{row['tgid']} {row['page']:#x}"
    if key is CowKey.SYMBOL:
        return "the kernel" if row["kernel"] else _named(row["symbol"], row["path"]) or "unknown"
    place = row["section"] if key is CowKey.SECTION else None
    return " ".join(word for word in (row["kind"], _named(place, row["path"])) if word)


def _named(part: bytes | str | None, path: bytes | str | None) -> str:
    return " in ".join(word for word in (_text(part), _text(path)) if word)


def _text(value: bytes | str | None) -> str:
    return shown(value) if isinstance(value, bytes) else value or ""


def _plain(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return [
        {name: shown(value) if isinstance(value, bytes) else value for name, value in row.items()}
        for row in frame.iter_rows(named=True)
    ]
