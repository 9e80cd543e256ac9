# SPDX-License-Identifier: Apache-2.0
"""The layout of the records that the BPF programs send, read from `bpf/records.h`.

That header is the only place where a record is described. From it follow the numpy layout of
each record, its number, the ring it travels in, and the C constants the programs use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BPF_FOLDER = Path(__file__).parent / "bpf"

FAULT_SLOT_BYTES = 64
STEP_SLOT_BYTES = 64
SMALL_SLOT_BYTES = 128
LARGE_SLOT_BYTES = 256
"""Every record of a ring has the ring's one size, so that a span can be viewed as an array.
Faults and steps have rings of their own: so many may come that they would push out everything
else."""

_FAULT_RING = ("faults", FAULT_SLOT_BYTES)
_OWN_RINGS = {
    "fault": _FAULT_RING,
    "fault_stack": _FAULT_RING,
    "migration": _FAULT_RING,
    "collapse": _FAULT_RING,
    "step": ("steps", STEP_SLOT_BYTES),
}
_SHARED_RINGS = (("small", SMALL_SLOT_BYTES), ("large", LARGE_SLOT_BYTES))

_STRUCT = re.compile(r"^struct (\w+) \{\n(.*?)^\};", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^\t(\w+) (\w+)(?:\[(\d+)\])?;$")
_TYPES = {
    "u64": "<u8",
    "s64": "<i8",
    "u32": "<u4",
    "s32": "<i4",
    "u16": "<u2",
    "s16": "<i2",
    "u8": "u1",
}


@dataclass(frozen=True, slots=True)
class Record:
    """One kind of record: the table it fills, its number, its ring and its numpy layout."""

    table: str
    kind: int
    ring: str
    slot_bytes: int
    dtype: np.dtype[Any]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the fields that are stored, in the order of the header."""
        names = self.dtype.names or ()
        return tuple(name for name in names if name != "kind" and not name.startswith("pad_"))


def parse_records(header: str) -> dict[str, Record]:
    """Give every struct of `header` as a Record, by table name.

    Raises ValueError for a line that is no plain field, and for a record that fits no ring.
    """
    records: dict[str, Record] = {}
    for kind, match in enumerate(_STRUCT.finditer(header), start=1):
        name, body = match.groups()
        dtype = np.dtype([_field(name, line) for line in body.splitlines()], align=True)
        records[name] = Record(name, kind, *_ring_of(name, dtype.itemsize), dtype)
    return records


def _field(struct: str, line: str) -> tuple[Any, ...]:
    match = _FIELD.match(line)
    if match is None:
        message = f"struct {struct}: not a plain field: {line!r}"
        raise ValueError(message)
    ctype, name, count = match.groups()
    if ctype == "char":
        return name, f"S{count}"
    return (name, _TYPES[ctype], (int(count),)) if count else (name, _TYPES[ctype])


def _ring_of(name: str, size_bytes: int) -> tuple[str, int]:
    rings = (_OWN_RINGS[name],) if name in _OWN_RINGS else _SHARED_RINGS
    for ring, slot_bytes in rings:
        if size_bytes <= slot_bytes:
            return ring, slot_bytes
    message = f"struct {name} has {size_bytes} bytes and fits no ring"
    raise ValueError(message)


@cache
def all_records() -> dict[str, Record]:
    """Every record of the header, by table name."""
    return parse_records((BPF_FOLDER / "records.h").read_text())


def constants() -> str:
    """Give the C definitions that tie the header to the rings.

    KIND_WAIT is the number of struct wait; reserve_wait() and submit_wait() are those of its ring.
    """
    lines = [
        f"#define FAULT_SLOT_BYTES {FAULT_SLOT_BYTES}",
        f"#define STEP_SLOT_BYTES {STEP_SLOT_BYTES}",
        f"#define SMALL_SLOT_BYTES {SMALL_SLOT_BYTES}",
        f"#define LARGE_SLOT_BYTES {LARGE_SLOT_BYTES}",
    ]
    for name, record in all_records().items():
        lines.append(f"#define KIND_{name.upper()} {record.kind}")
        lines.append(f"#define reserve_{name} reserve_{record.ring}")
        lines.append(f"#define submit_{name} submit_{record.ring}")
    return "\n".join(lines) + "\n"


def columns_by_table(slots: NDArray[np.uint8]) -> dict[str, dict[str, NDArray[Any]]]:
    """Split the records of one ring by kind and give the columns of each table.

    `slots` has the shape (records, slot bytes). The columns are copies, so the ring may go on.
    """
    tables: dict[str, dict[str, NDArray[Any]]] = {}
    if not len(slots):
        return tables
    kinds = slots[:, 8:10].copy().view("<u2").ravel()
    known = 0
    for record in all_records().values():
        if record.slot_bytes != slots.shape[1]:
            continue
        rows = slots[kinds == record.kind]
        known += len(rows)
        if len(rows):
            tables[record.table] = _columns(record, rows)
    if known != len(slots):
        message = f"{len(slots) - known} records of a kind that no table knows"
        raise ValueError(message)
    return tables


def _columns(record: Record, rows: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    packed = np.ascontiguousarray(rows[:, : record.dtype.itemsize]).view(record.dtype).ravel()
    return {name: packed[name].copy() for name in record.columns}
