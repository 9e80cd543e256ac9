# SPDX-License-Identifier: Apache-2.0
"""The rows of a trace as they are, a line each: as text, or as JSON Lines."""

from __future__ import annotations

import heapq
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from replay import names
from replay.report import json_text
from replay.report.screen import BOLD, DIM, PLAIN, Line
from traces.shown import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import polars as pl

    from traces.reader import Trace

Row = tuple[str, dict[str, Any]]
"""A table's name and a row's values by column."""

_ROWS_PER_SLICE: Final = 4_096


def rows_by_table(trace: Trace, tables: Iterable[str]) -> Iterator[Row]:
    """Give the rows of these tables, one table after the other, in file order."""
    for name in tables:
        yield from _rows(name, trace.table(name))


def rows_by_time(trace: Trace, tables: Iterable[str]) -> Iterator[Row]:
    """Give the rows of these tables in order of time, those without a time first."""
    streams = []
    for position, name in enumerate(tables):
        frame = trace.table(name)
        if "time_ns" in frame.columns:
            frame = frame.sort("time_ns", maintain_order=True)
        streams.append(_stamped(position, name, frame))
    for _, row in heapq.merge(*streams, key=lambda stamped: stamped[0]):
        yield row


def text_lines(rows: Iterable[Row]) -> Iterator[Line]:
    """Give rows as text: the table, then name=value; known numbers with their kernel names."""
    for table, row in rows:
        line: Line = [(table, BOLD)]
        for column, value in row.items():
            line += [(f" {column}=", DIM), (_value_text(table, column, value), PLAIN)]
        yield line


def json_lines(trace: Trace, rows: Iterable[Row]) -> Iterator[str]:
    """Give JSON Lines: one that says what follows, then one for each row with its `table`."""
    head = {
        "table": None,
        "schema_version": json_text.SCHEMA_VERSION,
        "format_version": trace.format_version,
        "complete": trace.complete,
    }
    yield json_text.compact(head) + "\n"
    for table, row in rows:
        values = {
            column: json_text.text(value) if isinstance(value, bytes) else value
            for column, value in row.items()
        }
        yield json_text.compact({"table": table, **values}) + "\n"


def limited(rows: Iterator[Row], limit: int | None) -> Iterator[Row]:
    """Give the first rows only; all of them without a limit."""
    return rows if limit is None else islice(rows, limit)


def row_count(trace: Trace, tables: Sequence[str], limit: int | None) -> int:
    """Give how many rows a dump of these tables has."""
    count = sum(trace.rows(name) for name in tables)
    return count if limit is None else min(count, limit)


def _rows(name: str, frame: pl.DataFrame) -> Iterator[Row]:
    for part in frame.iter_slices(_ROWS_PER_SLICE):
        for row in part.iter_rows(named=True):
            yield name, row


def _stamped(
    position: int, name: str, frame: pl.DataFrame
) -> Iterator[tuple[tuple[int, int], Row]]:
    for row in _rows(name, frame):
        yield (row[1].get("time_ns", 0), position), row


def _value_text(table: str, column: str, value: Any) -> str:  # noqa: ANN401 - a cell
    if isinstance(value, bytes):
        return f"'{shown(value)}'"
    plain = column.removeprefix("child_").removeprefix("old_")
    if plain in _HEXADECIMAL or (table, plain) in _HEXADECIMAL_THERE:
        return f"{value:#x}"
    name = _NAMES.get((table, column)) or _NAMES.get(("", column))
    word = name(value) if name else ""
    return f"{value}({word})" if word else str(value)


_HEXADECIMAL: Final = frozenset({
    "mm", "files", "fs", "sighand", "signal", "nsproxy", "cred", "io_context", "undo_list",
    "seccomp_filter", "vfork_done", "set_child_tid", "clear_child_tid", "site", "object", "cache",
    "address", "end", "vaddr", "ip", "pte", "new_pte", "entry", "pending", "shared_pending",
    "blocked", "start_code", "end_code", "start_data", "end_data", "start_brk", "start_stack",
    "mmap_base", "arg0", "arg1", "arg2", "arg3", "arg4", "arg5",
})  # fmt: skip
"""Addresses, page-table entries and masks, as columns are called without child_ and old_."""
_HEXADECIMAL_THERE: Final = frozenset(
    {("newtask", "state"), ("newtask_state", "stack"), ("clone_call", "stack")}
)
"""The same where another table has a column of that name."""


def _flag_namer(table: dict[int, str]) -> Callable[[int], str]:
    return lambda value: "|".join(names.flag_names(value, table))


def _failure(result: int) -> str:
    return names.errno_name(-result) if result < 0 else ""


def _address_or_failure(result: int) -> str:
    return f"{result:#x}" if result > 0 else _failure(result)


def _signal(number: int) -> str:
    return names.signal_name(number) if number > 0 else ""


def _syscall(number: int) -> str:
    return names.syscall_name(number) if number else ""


def _word_namer(*words: str) -> Callable[[int], str]:
    """Name the numbers from 1 on."""
    return lambda value: words[value - 1] if 0 < value <= len(words) else ""


_task_flags = _flag_namer(names.TASK_FLAGS)
_level = _word_namer("PTE", "PMD", "PUD", "P4D", "PGD")
_FAULT_ERRORS: Final = {1: "protection", 2: "write", 4: "user", 16: "fetch", 32: "key"}
_FAULT_FLAGS: Final = {1: "kernel", 2: "major", 4: "completed", 8: "page read", 16: "exclusive"}

_NAMES: Final[dict[tuple[str, str], Callable[[int], str]]] = {
    ("", "clone_flags"): _flag_namer(names.CLONE_FLAGS),
    ("clone_call", "flags"): _flag_namer(names.CLONE_FLAGS),
    ("adopted", "flags"): _task_flags,
    ("newtask", "flags"): _task_flags,
    ("newtask", "child_flags"): _task_flags,
    ("exit", "flags"): _task_flags,
    ("wait", "options"): _flag_namer(names.WAIT_OPTIONS),
    ("", "result"): _failure,
    ("mapping_call", "result"): _address_or_failure,
    ("", "syscall"): _syscall,
    ("", "exit_signal"): _signal,
    ("", "sig"): _signal,
    ("fault", "error_code"): _flag_namer(_FAULT_ERRORS),
    ("fault", "flags"): _flag_namer(_FAULT_FLAGS),
    ("fault", "old_level"): _level,
    ("fault", "new_level"): _level,
    ("step", "what"): _word_namer(
        "slab alloc", "slab free", "kmalloc", "kfree", "capability", "pages", "rss"
    ),
    ("text", "what"): _word_namer(
        "path", "argv", "cwd", "environment", "executable", "interpreter", "auxv", "mapped file"
    ),
}
"""What names a column's numbers, by (table, column), or ("", column) for all tables.

signal.result is no errno, but it is never negative either."""
