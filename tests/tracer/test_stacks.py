# SPDX-License-Identifier: Apache-2.0
"""tracer.stacks: from the map of stacks to rows."""

from __future__ import annotations

import ctypes
from typing import Any

from tracer.stacks import write_stacks


class Leaf(ctypes.Structure):
    """struct bpf_stacktrace of bcc."""

    _fields_ = (("ip", ctypes.c_ulonglong * 127),)


class Kept:
    """Keeps what is written, and the addresses that are noted."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Any]] = {}
        self.noted: list[int] = []

    def rows(self, table: str, columns: dict[str, Any]) -> None:
        self.tables[table] = {name: column.tolist() for name, column in columns.items()}

    def note_instructions(self, addresses: Any) -> None:  # noqa: ANN401 - an array
        self.noted += addresses.tolist()


class Map:
    """A map of stacks as bcc gives it."""

    def __init__(self, stacks: dict[int, list[int]]) -> None:
        self._stacks = stacks

    def items(self) -> list[tuple[ctypes.c_int, Leaf]]:
        return [
            (ctypes.c_int(number), Leaf((ctypes.c_ulonglong * 127)(*ips)))
            for number, ips in self._stacks.items()
        ]


def _written(stacks: dict[int, list[int]]) -> Kept:
    kept = Kept()
    write_stacks(kept, Map(stacks), kept)  # type: ignore[arg-type]
    return kept


def test_a_row_for_each_frame() -> None:
    """Up to the first zero; a full stack has none."""
    kept = _written({7: [0x100, 0x201, 0x301], 9: list(range(1, 128)), 11: []})
    frames = kept.tables["stack_frame"]
    assert frames["stack"] == [7] * 3 + [9] * 127
    assert frames["depth"] == [0, 1, 2, *range(127)]
    assert frames["ip"] == [0x100, 0x201, 0x301, *range(1, 128)]


def test_the_calls_are_noted_not_what_follows_them() -> None:
    """A return address may be the begin of the next function."""
    assert _written({7: [0x100, 0x201, 0x301]}).noted == [0x100, 0x200, 0x300]


def test_no_stacks() -> None:
    """Nothing is written of an empty map."""
    assert _written({}).tables == {}
    assert _written({3: []}).tables == {}
