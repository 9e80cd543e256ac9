# SPDX-License-Identifier: Apache-2.0
"""What a trace holds: its tables, their columns, and the unit of each column.

Names are the kernel's own. A task is identified by (tid, start_ns) and a process by its
leader's (tgid, leader_start_ns): `start_ns` is `task_struct.start_boottime`, so a pid that is
used again gives a new identity, and `/proc/PID/stat` field 22 can be compared with it.
Times called `*_ns` other than `start_ns` are CLOCK_MONOTONIC. An identity or a time of 0 means
"none". Numbers called tid, tgid and pid are those of the initial pid namespace unless the name
begins with `ns_`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from traces.tables import (
    copy_process,
    creation,
    edges,
    ending,
    execution,
    faults,
    images,
    memory,
    scenario,
)

if TYPE_CHECKING:
    from traces.table import Table

FORMAT_VERSION = 1
"""Grows by one with any change of the file format or of a table; see `migrate.py`."""

_SUBJECTS = (creation, copy_process, execution, ending, faults, memory, images, edges, scenario)

TABLES: dict[str, Table] = {table.name: table for subject in _SUBJECTS for table in subject.TABLES}
"""Every table by name."""
