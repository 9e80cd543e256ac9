# SPDX-License-Identifier: Apache-2.0
"""Fault rows by their page-table entries, for tests that need no history around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.histories.fake import FakeTrace
from tests.histories.memory import COMPLETED, US, A, D, P

if TYPE_CHECKING:
    import polars as pl

RO, WRITE, READ = P | US | A, 6, 4
RW = P | 2 | US | A | D


def entry(frame: int, bits: int = RO) -> int:
    """Give a page-table entry."""
    return frame << 12 | bits


def fault(old: int, new: int, error: int = WRITE, **values: int) -> pl.DataFrame:
    """Give a table of one fault."""
    trace = FakeTrace()
    row = {"old_level": 1, "new_level": 1, "flags": COMPLETED, **values}
    trace.add("fault", old_pte=old, new_pte=new, error_code=error, **row)
    return trace.table("fault")
