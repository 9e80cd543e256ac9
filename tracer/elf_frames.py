# SPDX-License-Identifier: Apache-2.0
"""Where functions begin and end in a file that was stripped of their names.

Unwinding needs .eh_frame, which no strip removes, so it tells the bounds of static functions too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.elf_symbols import KIND_UNNAMED_FUNCTION, SYMBOL_ROW

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tracer.bounded_file import BoundedFile

# Linux Standard Base, "DWARF Extensions": the encodings that linkers write, and no others.
_VERSION = 1
_UDATA4, _PC_RELATIVE_SDATA4, _DATA_RELATIVE_SDATA4 = 0x03, 0x1B, 0x3B
_HEADER_BYTES = 12
_FDE_BYTES = 16  # length, CIE pointer, where the function begins (relative), its length
_FDE_BEGIN, _FDE_LENGTH = 8, 12
_FUNCTIONS_MAX = 1 << 20  # those of a browser; a file made to have more costs no more memory


@dataclass(frozen=True, slots=True)
class FrameSource:
    """The functions that the unwind tables of a file know: (vaddr, offset, bytes) of both."""

    file: BoundedFile
    little_endian: bool
    header: tuple[int, int, int]
    """.eh_frame_hdr: a table of all functions, sorted by address."""
    frames: tuple[int, int, int]
    """.eh_frame: for each function a description with its length."""

    @property
    def complete(self) -> bool:
        """Tell that names are missing."""
        return False

    def rows(self, number: int) -> NDArray[Any]:
        """Give the functions; none where the tables are of another form than usual.

        A row of the table counts only where the description that it leads to begins at the same
        address, so damaged tables make up no function.
        """
        begins, places = self._table()
        data = np.frombuffer(self.file.at(*self.frames[1:]), np.uint8)
        places -= self.frames[0]
        inside = (places >= 0) & (places <= len(data) - _FDE_BYTES)
        begins, places = begins[inside], places[inside]
        stated = self.frames[0] + places + _FDE_BEGIN + self._int32(data, places + _FDE_BEGIN)
        lengths = self._int32(data, places + _FDE_LENGTH) & 0xFFFFFFFF
        sound = (stated == begins) & (begins > 0) & (lengths > 0)
        rows = np.zeros(int(sound.sum()), SYMBOL_ROW)
        rows["begin"], rows["bytes"] = begins[sound], lengths[sound]
        rows["limit"] = 2**64 - 1
        rows["kind"], rows["source"], rows["local"] = KIND_UNNAMED_FUNCTION, number, True
        return rows

    def name_at(self, _: int) -> bytes:
        """Give no name."""
        return b""

    def _table(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give where each function and its description is linked to begin."""
        vaddr, offset, size = self.header
        data = self.file.at(offset, size)
        usual = bytes((_VERSION, _PC_RELATIVE_SDATA4, _UDATA4, _DATA_RELATIVE_SDATA4))
        if data[:4] != usual or len(data) < _HEADER_BYTES:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        count = int.from_bytes(data[8:12], "little" if self.little_endian else "big")
        count = min(count, (len(data) - _HEADER_BYTES) // 8, _FUNCTIONS_MAX)
        order = "<i4" if self.little_endian else ">i4"
        pairs = np.frombuffer(data, order, 2 * count, _HEADER_BYTES).astype(np.int64) + vaddr
        return pairs[::2], pairs[1::2]

    def _int32(self, data: NDArray[np.uint8], places: NDArray[np.int64]) -> NDArray[np.int64]:
        four = data[places[:, None] + np.arange(4)]
        numbers = four.view("<i4" if self.little_endian else ">i4")[:, 0]
        return np.asarray(numbers, np.int64)
