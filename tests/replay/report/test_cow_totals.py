# SPDX-License-Identifier: Apache-2.0
"""What copy-on-write came to in a whole recording."""

from __future__ import annotations

from dataclasses import replace

from replay.report.cow_totals import CowTotals, cow_rows
from tests.histories.memory import remember


def _rows(totals: CowTotals) -> list[str]:
    return [" ".join(text for text, _ in row) for row in cow_rows(totals)]


def test_sums() -> None:
    """Over all forks and all faults."""
    history = remember("sh writes 5, sh writes 6, sh forks a, a writes 5, sh writes 5, a exits")
    history.trace.rows["fault"][0]["flags"] |= 2
    totals = CowTotals.of(history.memory())
    assert totals == CowTotals(
        faults=4, major_faults=1, forks=1, shared=2, unbroken=1, copied=1, copied_bytes=4096,
        copy_ns=100, reused=1, reuse_ns=100, file_copied=0,
    )  # fmt: skip
    assert _rows(totals) == [
        "faults 4 page faults, 1 of them major",
        "shared 1 fork shared 2 pages, of which 1 (50%) needed no copy",
        "copied 1 page (4.0 KiB) on write in 100 ns, 1 reused in 100 ns",
    ]


def test_without_forks() -> None:
    """Nothing is said of sharing."""
    rows = _rows(CowTotals.of(remember("sh writes 5").memory()))
    assert rows == ["faults 1 page fault", "copied no page on write"]


def test_copies_of_file_pages_are_told() -> None:
    """They need no fork, and without them the line would say that nothing was copied."""
    totals = replace(CowTotals.of(remember("sh writes 5").memory()), file_copied=1_234)
    assert _rows(totals)[-1] == "copied no page on write, 1,234 from files"
