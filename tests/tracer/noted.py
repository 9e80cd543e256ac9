# SPDX-License-Identifier: Apache-2.0
"""Columns and pieces as the rings give them, of files that a test names."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.records import all_records

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

EXECUTABLE, AUXILIARY_VECTOR, MAPPED = 5, 7, 8


def columns(table: str, *rows: Mapping[str, int]) -> dict[str, NDArray[Any]]:
    """Give rows as the columns of their record; what a row does not name is 0."""
    record = all_records()[table]
    array = np.zeros(len(rows), record.dtype)
    for index, row in enumerate(rows):
        for name, value in row.items():
            array[name][index] = value
    return {name: array[name].copy() for name in record.columns}


def device_and_inode(path: Path) -> tuple[int, int]:
    """Give what the kernel knows a file by, where stat tells it."""
    status = path.stat()
    return os.major(status.st_dev) << 20 | os.minor(status.st_dev), status.st_ino


def piece(time_ns: int, tid: int, what: int, data: bytes, flags: int = 0) -> bytes:
    """Give a piece of text as the ring has it."""
    return struct.pack("<QIHHII", time_ns, tid, what, flags, 0, len(data)) + data


def components(path: Path) -> bytes:
    """Give a path as it is recorded: the innermost component first, each with its NUL."""
    return b"".join(os.fsencode(part) + b"\0" for part in reversed(path.parts[1:]))
