# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.rings on memory laid out as the kernel lays out a ring buffer."""

from __future__ import annotations

import mmap
import os
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tracer.rings import FixedRing, VariableRing

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = mmap.PAGESIZE
BUSY, DISCARD = 1 << 31, 1 << 30


class Kernel:
    """Writes records as bpf_ringbuf_reserve() and bpf_ringbuf_commit() do, both copies of them.

    A file is no BPF map, whose data pages appear twice; so every byte is written at both places.
    """

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.produced = 0
        self.descriptor = os.memfd_create("ring")
        os.ftruncate(self.descriptor, 2 * PAGE + 2 * size_bytes)

    def free_bytes(self) -> int:
        (consumed,) = struct.unpack("<Q", os.pread(self.descriptor, 8, 0))
        return self.size_bytes - (self.produced - int(consumed))

    def write(self, data: bytes, flags: int = 0) -> None:
        record = struct.pack("<II", len(data) | flags, 0) + data
        record += bytes(-len(record) % 8)
        for place, byte in enumerate(record):
            offset = (self.produced + place) % self.size_bytes
            for copy in (offset, offset + self.size_bytes):
                os.pwrite(self.descriptor, bytes([byte]), 2 * PAGE + copy)
        self.produced += len(record)
        os.pwrite(self.descriptor, struct.pack("<Q", self.produced), PAGE)

    def finish(self, position: int, length: int) -> None:
        for copy in (0, self.size_bytes):
            offset = 2 * PAGE + position % self.size_bytes + copy
            os.pwrite(self.descriptor, struct.pack("<I", length), offset)


@contextmanager
def fixed(slot_bytes: int) -> Iterator[tuple[Kernel, FixedRing]]:
    """Give a ring of fixed records and who fills it."""
    kernel = Kernel(PAGE)
    ring = FixedRing(kernel.descriptor, PAGE, slot_bytes)
    yield kernel, ring
    ring.close()
    os.close(kernel.descriptor)


@contextmanager
def variable() -> Iterator[tuple[Kernel, VariableRing]]:
    """Give a ring of variable records and who fills it."""
    kernel = Kernel(PAGE)
    ring = VariableRing(kernel.descriptor, PAGE)
    yield kernel, ring
    ring.close()
    os.close(kernel.descriptor)


@given(st.lists(st.one_of(st.none(), st.binary(min_size=56, max_size=56)), max_size=200))
def test_fixed_records_come_out_as_they_went_in(actions: list[bytes | None]) -> None:
    """Whatever the order of writing and draining, also across the ring's end; None drains."""
    with fixed(56) as (kernel, ring):
        written, taken = [], []
        for action in actions:
            if action is None or kernel.free_bytes() < 64:
                taken += [row.tobytes() for row in ring.take()]
            if action is not None:
                kernel.write(action)
                written.append(action)
        taken += [row.tobytes() for row in ring.take()]
        assert taken == written
        assert ring.waiting_bytes() == 0


def test_draining_stops_at_a_record_that_is_still_written() -> None:
    """What follows a busy record waits for it, as its writer may come first in time."""
    with fixed(24) as (kernel, ring):
        kernel.write(b"a" * 24)
        position = kernel.produced
        kernel.write(b"b" * 24, BUSY)
        kernel.write(b"c" * 24)
        assert [row.tobytes() for row in ring.take()] == [b"a" * 24]
        assert ring.waiting_bytes() == 64
        kernel.finish(position, 24)
        assert [row.tobytes() for row in ring.take()] == [b"b" * 24, b"c" * 24]


@given(st.lists(st.one_of(st.none(), st.binary(max_size=300)), max_size=100))
def test_variable_records_come_out_as_they_went_in(actions: list[bytes | None]) -> None:
    """Lengths are rounded to 8 bytes in the ring and exact outside."""
    with variable() as (kernel, ring):
        written, taken = [], []
        for action in actions:
            if action is None or kernel.free_bytes() < 320:
                taken += ring.take()
            if action is not None:
                kernel.write(action)
                written.append(action)
        taken += ring.take()
        assert taken == written


def test_variable_ring_skips_discarded_and_waits_for_busy_records() -> None:
    """A discarded record was given up by its program; a busy one is not ready."""
    with variable() as (kernel, ring):
        kernel.write(b"given up", DISCARD)
        kernel.write(b"kept")
        position = kernel.produced
        kernel.write(b"later", BUSY)
        assert ring.take() == [b"kept"]
        kernel.finish(position, 5)
        assert ring.take() == [b"later"]
