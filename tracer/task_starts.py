# SPDX-License-Identifier: Apache-2.0
"""When each followed task came into being, so that a tid and a time name it exactly."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_COLUMNS: Final = {
    "adopted": ("tid", "start_ns"),
    "newtask": ("child_tid", "child_start_ns"),
}


class TaskStarts:
    """The start of every task that was recorded, by tid: one tid may have had several."""

    def __init__(self) -> None:
        self._starts: defaultdict[int, list[int]] = defaultdict(list)

    def note_columns(self, table: str, columns: Mapping[str, NDArray[Any]]) -> None:
        """Take in rows of a table as they are written."""
        if table not in _COLUMNS:
            return
        tids, starts = (columns[name].tolist() for name in _COLUMNS[table])
        for tid, start_ns in zip(tids, starts, strict=True):
            self._starts[tid].append(start_ns)

    def start_of(self, tid: int, boottime_ns: int) -> int | None:
        """Give the start_boottime of the task that had this tid then; None when none had."""
        known = sorted(self._starts.get(tid, ()))
        at = bisect_right(known, boottime_ns)
        return known[at - 1] if at else None
