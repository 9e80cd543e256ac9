# SPDX-License-Identifier: Apache-2.0
"""Taking records out of BPF ring buffers in spans, without Python per record.

A ring's descriptor can be mapped: page 0 holds the consumer position (ours to write), page 1 the
producer position, then come the data, mapped twice in a row so that no span wraps (kernel
documentation, bpf/ringbuf). Every record has an 8-byte header: its length, with bit 31 set while
the program still writes it and bit 30 set when it was discarded, then a page offset.
"""

from __future__ import annotations

import mmap
import struct
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEADER_BYTES = 8
_BUSY = 0x80000000
_DISCARD = 0x40000000
_POSITION = struct.Struct("<Q")


class Ring:
    """One mapped ring buffer of `size_bytes` (a power of two, at least a page)."""

    def __init__(self, map_fd: int, size_bytes: int) -> None:
        page = mmap.PAGESIZE
        self.size_bytes = size_bytes
        self._consumer = mmap.mmap(map_fd, page, mmap.MAP_SHARED)
        self._producer = mmap.mmap(
            map_fd, page + 2 * size_bytes, mmap.MAP_SHARED, mmap.PROT_READ, offset=page
        )
        self._data = memoryview(self._producer)[page:]

    def close(self) -> None:
        """Unmap the ring."""
        self._data.release()
        self._producer.close()
        self._consumer.close()

    def waiting_bytes(self) -> int:
        """How much has been written and not yet taken."""
        return self._produced() - self._consumed()

    def _produced(self) -> int:
        return int(_POSITION.unpack_from(self._producer)[0])

    def _consumed(self) -> int:
        return int(_POSITION.unpack_from(self._consumer)[0])

    def _span(self) -> memoryview:
        begin = self._consumed()
        offset = begin % self.size_bytes
        return self._data[offset : offset + self._produced() - begin]

    def _give_back(self, span_bytes: int) -> None:
        _POSITION.pack_into(self._consumer, 0, self._consumed() + span_bytes)


class FixedRing(Ring):
    """A ring whose records all have the same size, so that a span is an array."""

    def __init__(self, map_fd: int, size_bytes: int, slot_bytes: int) -> None:
        super().__init__(map_fd, size_bytes)
        self._slot_bytes = slot_bytes
        self._stride_bytes = slot_bytes + _HEADER_BYTES

    def take(self) -> NDArray[np.uint8]:
        """Take all finished records, oldest first: an array (records, slot_bytes), copied out."""
        span = self._span()
        headers = np.frombuffer(span, "<u4")[:: self._stride_bytes // 4]
        busy = np.flatnonzero(headers & _BUSY)
        count = int(busy[0]) if busy.size else len(headers)
        taken_bytes = count * self._stride_bytes
        slots = np.frombuffer(span[:taken_bytes], np.uint8).reshape(count, self._stride_bytes)
        records = slots[:, _HEADER_BYTES:].copy()
        self._give_back(taken_bytes)
        return records


class VariableRing(Ring):
    """A ring of records of any size; each costs Python time, so it is for rare events."""

    def take(self) -> list[bytes]:
        """Take all finished records, oldest first."""
        span = self._span()
        records: list[bytes] = []
        position = 0
        while position < len(span):
            (header,) = struct.unpack_from("<I", span, position)
            if header & _BUSY:
                break
            length = header & ~_DISCARD
            begin = position + _HEADER_BYTES
            if not header & _DISCARD:
                records.append(bytes(span[begin : begin + length]))
            position = begin + (length + 7) // 8 * 8
        self._give_back(position)
        return records
