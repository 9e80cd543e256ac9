# SPDX-License-Identifier: Apache-2.0
"""What a trace is: its tables and their columns, its file format, its reader and its writer.

This package gives what costs nothing to import. Reading and writing need polars, which takes its
time, so they are imported by those who do it, and when they do it:

    from traces.reader import Trace, open_trace
    from traces.writer import TraceWriter

`FORMAT.md` beside this file specifies every byte of a trace.
"""

from __future__ import annotations

from traces.errors import ProctraceError, TraceFormatError
from traces.schema import FORMAT_VERSION, TABLES
from traces.shown import shell_line, shell_word, shown
from traces.table import Column, Table

__all__ = [
    "FORMAT_VERSION",
    "TABLES",
    "Column",
    "ProctraceError",
    "Table",
    "TraceFormatError",
    "shell_line",
    "shell_word",
    "shown",
]
