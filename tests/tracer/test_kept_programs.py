# SPDX-License-Identifier: Apache-2.0
"""tracer.kept_programs: what test_bcc_seam.py does not try in both ways."""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
from pathlib import Path

import pytest

from tracer import bpf_syscall, kept_programs
from tracer.bpf_map import MapShape
from tracer.compiled import Compiled
from tracer.kept_programs import KeptPrograms

ARRAY = 2
PERF_TYPE_SOFTWARE, MINOR_FAULTS = 1, 5
COUNT = MapShape("count", ARRAY, 4, 8, 1, 0, "int", "unsigned long long")


def instruction(opcode: int, registers: int = 0, offset: int = 0, constant: int = 0) -> bytes:
    """Give one instruction; registers are the target, and 16 times the source."""
    return struct.pack("<BBhi", opcode, registers, offset, constant)


COUNT_UP = b"".join(
    [
        instruction(0x7A, 10, -8, 0),  # *(u64 *)(r10 - 8) = 0
        instruction(0x18, 1 | 1 << 4) + bytes(8),  # r1 = map 0
        instruction(0xBF, 2 | 10 << 4),  # r2 = r10
        instruction(0x07, 2, 0, -8),  # r2 -= 8
        instruction(0x85, 0, 0, 1),  # r0 = bpf_map_lookup_elem(r1, r2)
        instruction(0x15, 0, 2, 0),  # if r0 == 0 goto +2
        instruction(0xB7, 1, 0, 1),  # r1 = 1
        instruction(0xDB, 0 | 1 << 4),  # *(u64 *)r0 += r1, atomic
        instruction(0xB7, 0),  # r0 = 0
        instruction(0x95),
    ]
)


def descriptors() -> int:
    """Tell how many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def touch(pages: int) -> None:
    """Fault so many pages in."""
    with mmap.mmap(-1, pages * 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        for page in range(pages):
            memory[page * 4096] = 1


@pytest.mark.kernel
def test_every_page_fault_of_every_cpu_is_seen() -> None:
    """GIVEN a program at a software event THEN it runs each time, until it is taken away."""
    before = descriptors()
    programs = KeptPrograms(Compiled("GPL", (COUNT,), {"on_fault": COUNT_UP}))
    try:
        programs.load_func(b"on_fault", programs.PERF_EVENT)
        event = {"ev_type": PERF_TYPE_SOFTWARE, "ev_config": MINOR_FAULTS}
        programs.attach_perf_event(**event, fn_name=b"on_fault", sample_period=1)
        table = programs[b"count"]
        for cpu in sorted(os.sched_getaffinity(0)):
            seen = table[ctypes.c_int(0)].value
            allowed = os.sched_getaffinity(0)
            os.sched_setaffinity(0, {cpu})
            try:
                touch(200)
            finally:
                os.sched_setaffinity(0, allowed)
            assert table[ctypes.c_int(0)].value >= seen + 200
        programs.detach_perf_event(**event)
        seen = table[ctypes.c_int(0)].value
        touch(200)
        assert table[ctypes.c_int(0)].value == seen
    finally:
        programs.cleanup()
    assert descriptors() == before


@pytest.mark.kernel
def test_an_event_of_all_cpus_or_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU that went away meanwhile must not leave the others counting."""
    monkeypatch.setattr(kept_programs, "cpu_numbers", lambda _: [0, 1 << 20])
    programs = KeptPrograms(Compiled("GPL", (COUNT,), {"on_fault": COUNT_UP}))
    try:
        programs.load_func(b"on_fault", programs.PERF_EVENT)
        before = descriptors()
        event = {"ev_type": PERF_TYPE_SOFTWARE, "ev_config": MINOR_FAULTS}
        with pytest.raises(OSError, match=r"\w"):
            programs.attach_perf_event(**event, fn_name=b"on_fault", sample_period=1)
        assert descriptors() == before
    finally:
        programs.cleanup()


@pytest.mark.kernel
def test_a_function_is_loaded_once() -> None:
    """And keeps its name and its licence."""
    programs = KeptPrograms(Compiled("Dual MIT/GPL", (COUNT,), {"on_it": COUNT_UP}))
    try:
        first = programs.load_func(b"on_it", programs.RAW_TRACEPOINT)
        assert programs.load_func(b"on_it", programs.RAW_TRACEPOINT).fd == first.fd
        assert bpf_syscall.program_info(first.fd).name == "on_it"
    finally:
        programs.cleanup()


@pytest.mark.kernel
def test_a_map_that_cannot_be_leaves_none_behind() -> None:
    """The first was made when the second is refused."""
    before = descriptors()
    with pytest.raises(OSError, match="Invalid argument"):
        KeptPrograms(Compiled("GPL", (COUNT, COUNT._replace(key_bytes=5)), {}))
    assert descriptors() == before


def test_without_maps_and_functions() -> None:
    """There is nothing to find, and nothing to free."""
    programs = KeptPrograms(Compiled("GPL", (), {}))
    assert programs.instructions() == []
    with pytest.raises(KeyError):
        programs[b"count"]
    programs.cleanup()
