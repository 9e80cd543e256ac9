# SPDX-License-Identifier: Apache-2.0
"""Copies and reuses of pages as a table with bars, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from replay.memory.cow import CowKey
from replay.process import ProcessId
from replay.report.bars import fitted
from replay.report.page_facts import mapping_words
from replay.report.screen import BOLD, DIM, ELLIPSIS, NOTABLE, PLAIN, Line, Piece, aligned
from replay.report.units import counted, duration, size
from traces.shown import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.memory.cow import Cow
    from replay.report.who import Who

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


def cow_lines(  # noqa: PLR0913 - what is shown, and the room for it
    cow: Cow,
    key: CowKey,
    most: int,
    who: Who,
    costs: pl.DataFrame | None = None,
    *,
    width: int | None = None,
) -> Iterator[Line]:
    """Give the report: totals, then the greatest rows, each with a bar for its share.

    Lines that would be longer than `width` get shorter bars, then files without folders, and are
    cropped at last; None: as long as they are.
    """
    (totals,) = cow.totals.iter_rows(named=True)
    yield from _total_lines(totals)
    if not len(cow.rows):
        return
    yield []
    heads: tuple[str, ...] = ("COPIED", "BYTES", "REUSED", "FROM FILE", "TIME")
    if costs is not None:
        heads += _COST_HEADINGS
    shown_rows = list(_costed(cow.rows, costs).head(most).iter_rows(named=True))

    names = (*heads, "SHARE", _HEADINGS[key])

    def table(bar_cells: int, *, brief: bool) -> list[Line]:
        less = _BRIEF_LESS.get(key, ("BYTES",)) if brief else ()
        places = [place for place, name in enumerate(names) if name not in less]
        rows: list[list[Piece]] = [[(name, DIM) for name in names]]
        rows += [
            _row(_brief(row, key) if brief else row, key, who, bar_cells) for row in shown_rows
        ]
        numbers = tuple(range(sum(place < len(heads) for place in places)))
        return list(aligned([[row[place] for place in places] for row in rows], numbers=numbers))

    yield from fitted(table, width)
    left = len(cow.rows) - most
    if left > 0:
        yield [(f"and {counted(left, 'row')} more; --top 0 shows all", DIM)]


_BRIEF_LESS: Final = {CowKey.FORK: ("BYTES", "FROM FILE", "SHARE")}
"""The columns that a narrow table does without; BYTES where nothing else is said."""
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


def _brief(row: dict[str, Any], key: CowKey) -> dict[str, Any]:
    """Name the file of a row without its folders; of a stack keep the innermost frames."""
    if key is CowKey.STACK and row["stack"] is not None:
        frames = row["stack"].split(";")
        cut = [ELLIPSIS, *frames[-_BRIEF_FRAMES:]] if len(frames) > _BRIEF_FRAMES else frames
        return {**row, "stack": ";".join(cut)}
    path = row.get("path")
    if path is None:
        return row
    return {**row, "path": path.rpartition(b"/" if isinstance(path, bytes) else "/")[2]}


_BRIEF_FRAMES: Final = 3


def _row(row: dict[str, Any], key: CowKey, who: Who, bar_cells: int) -> list[Piece]:
    cells = round(row["share"] * bar_cells)
    costs = [(_count(row[name]), PLAIN) for name in _COSTS if name in row]
    return [
        (f"{row['copied']:,}", PLAIN),
        (size(row["copied_bytes"]), PLAIN),
        (f"{row['reused']:,}", PLAIN),
        (f"{row['file_copied']:,}", PLAIN),
        (duration(row["copy_ns"] + row["reuse_ns"]), PLAIN),
        *costs,
        ("#" * cells + "·" * (bar_cells - cells), NOTABLE if cells else DIM),
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
