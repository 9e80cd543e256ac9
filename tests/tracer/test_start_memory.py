# SPDX-License-Identifier: Apache-2.0
"""tracer.start_memory: lines of maps, words of pagemap, and this process's own memory."""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.recorded_file import FileId
from tracer.start_memory import Mapping, page_runs, parse_mapping, write_start_memory

if TYPE_CHECKING:
    from pathlib import Path

PRESENT, SWAPPED, OF_FILE, EXCLUSIVE = 1 << 63, 1 << 62, 1 << 61, 1 << 56


class Kept:
    """A writer that keeps rows."""

    def __init__(self) -> None:
        self.tables: dict[str, list[dict[str, Any]]] = {}

    def rows(self, table: str, columns: dict[str, Any]) -> None:
        rows = zip(*(list(column) for column in columns.values()), strict=True)
        self.tables.setdefault(table, []).extend(
            dict(zip(columns, row, strict=True)) for row in rows
        )


def _written(tgids: list[int], **options: Any) -> Kept:  # noqa: ANN401 - as the function
    kept = Kept()
    write_start_memory(kept, tgids, None, **options)  # type: ignore[arg-type]
    return kept


def _mapping(*values: Any) -> Mapping:  # noqa: ANN401 - as the line has them
    address, end, prot, shared, *rest = values
    return Mapping(address, end, prot, bool(shared), *rest)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            b"7f00-9f00 rw-p 00002000 08:11 77   /a b/c (deleted)\n",
            _mapping(0x7F00, 0x9F00, 3, 0, 0x2000, FileId(8 << 20 | 17, 77), b"/a b/c"),
        ),
        (
            b"1000-2000 r-xs 00000000 00:01 3 /x\\012y",
            _mapping(0x1000, 0x2000, 5, 1, 0, FileId(1, 3), b"/x\ny"),
        ),
        (
            b"1000-3000 ---p 00000000 00:00 0 ",
            _mapping(0x1000, 0x3000, 0, 0, 0, FileId(0, 0), b""),
        ),
        (
            b"1000-3000 rw-p 00000000 00:00 0    [heap]",
            _mapping(0x1000, 0x3000, 3, 0, 0, FileId(0, 0), b"[heap]"),
        ),
    ],
)
def test_a_line_of_maps(line: bytes, expected: Mapping) -> None:
    """Paths may hold blanks and newlines, and say that the file is gone."""
    assert parse_mapping(line) == expected


def test_no_line_of_maps() -> None:
    """Anything else is refused."""
    with pytest.raises(ValueError, match="unpack"):
        parse_mapping(b"nonsense")


def test_runs_end_where_frames_or_flags_change() -> None:
    """Swapped pages have no frames, and are one run."""
    words = [PRESENT | 5, PRESENT | 6, PRESENT | EXCLUSIVE | 7, 0, PRESENT | OF_FILE | 8,
             SWAPPED | 9, SWAPPED | 99, PRESENT | 8]  # fmt: skip
    runs = page_runs(0x10000, np.array(words, np.uint64))
    assert list(zip(*(runs[name].tolist() for name in
            ("address", "frame", "pages", "flags")), strict=True)) == [
        (0x10000, 5, 2, 1), (0x12000, 7, 1, 9), (0x14000, 8, 1, 5), (0x15000, 0, 2, 2),
        (0x17000, 8, 1, 1),
    ]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from([0, PRESENT, SWAPPED]), st.integers(1, 4))))
def test_runs_tell_every_page(pages: list[tuple[int, int]]) -> None:
    """Taken apart again, the runs give what pagemap gave."""
    words = np.array([state | frame if state else 0 for state, frame in pages], np.uint64)
    runs = page_runs(0, words)
    told = {
        int(address) // 4096 + at: (int(flags), int(frame) + (at if flags == 1 else 0))
        for address, frame, count, flags in zip(
            runs["address"], runs["frame"], runs["pages"], runs["flags"], strict=True
        )
        for at in range(int(count))
    }
    assert told == {
        at: (1, frame) if state == PRESENT else (2, 0)
        for at, (state, frame) in enumerate(pages)
        if state
    }


def test_our_own_memory() -> None:
    """A page that we wrote to is there, one that we did not is not, and none is left unread."""
    with mmap.mmap(-1, 3 * 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        memory[4096] = 1
        kept = _written([os.getpid()])
    rows = kept.tables["start_mapping"]
    assert {row["tgid"] for row in rows} == {os.getpid()}
    assert b"[stack]" in {row["path"] for row in rows}
    assert all(not row["unread_pages"] for row in rows if row["path"] != b"[vsyscall]")
    assert sum(int(row["pages"]) for row in kept.tables["start_page"]) > 100


def test_what_the_budget_leaves_unread_is_said() -> None:
    """The smallest mappings come first; none is left out of the table."""
    kept = _written([os.getpid()], pages_max=8)
    rows = kept.tables["start_mapping"]
    sizes = [(row["end"] - row["address"]) // 4096 for row in rows]
    read = [size - row["unread_pages"] for size, row in zip(sizes, rows, strict=True)]
    assert sum(read) <= 8
    assert sizes == sorted(sizes)
    assert len(rows) == len(_written([os.getpid()]).tables["start_mapping"])


def test_who_is_gone_has_no_rows(tmp_path: Path) -> None:
    """A process may end before it is looked at."""
    assert _written([1], proc=tmp_path).tables == {}


def test_a_path_with_a_carriage_return(tmp_path: Path) -> None:
    """show_map_vma() escapes a newline and nothing else."""
    process = tmp_path / "7"
    process.mkdir()
    (process / "maps").write_bytes(
        b"1000-2000 rw-p 00000000 08:11 77 /a\rb\n3000-4000 rw-p 00000000 00:00 0\n"
    )
    (process / "pagemap").write_bytes(b"")
    rows = _written([7], proc=tmp_path).tables["start_mapping"]
    assert [row["path"] for row in rows] == [b"/a\rb", b""]
