# SPDX-License-Identifier: Apache-2.0
"""Where this kernel maps physical memory and keeps its page descriptors: measured, never guessed.

Both addresses are random on most hosts (CONFIG_RANDOMIZE_MEMORY, arch/x86/mm/kaslr.c) and have
no symbol that a user may read. They are found with pages of our own, whose frames
/proc/self/pagemap tells, and believed only when a second page confirms them.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tracer import bcc_seam
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from tracer.bcc_seam import Bpf
    from tracer.offsets import TypeInformation
    from traces.metadata import JsonValue

_PAGE_BYTES = 4096
_GIB = 1 << 30
_CALLS = 2048
"""System calls to try; each looks at 32 candidates of 1 GiB, together 64 TiB of memory."""
_PRESENT = 1 << 63
_FRAME = (1 << 55) - 1
_COLLECTED = 8


class MemoryUnmeasuredError(ProctraceError):
    """Page tables cannot be read here, so page faults cannot be recorded."""


@dataclass(frozen=True, slots=True)
class MemoryLayout:
    """Bases of the direct map and of the page descriptors, and the page table's levels.

    `vmemmap` is 0 where it could not be measured: faults are then recorded without the old
    page's counters. `zero_pfn` is the frame of the shared zero page.
    """

    direct_map: int
    vmemmap: int
    levels: int
    zero_pfn: int

    def as_json(self) -> dict[str, JsonValue]:
        """Give the values for the trace; addresses of the kernel itself are left out."""
        shown = asdict(self)
        return {"levels": shown["levels"], "zero_pfn": shown["zero_pfn"],
                "page_descriptors": bool(self.vmemmap)}  # fmt: skip


def measure(bpf: Bpf, btf: TypeInformation) -> MemoryLayout:
    """Measure with the programs of bpf/calibrate.c and leave the result in the map `layout`.

    Raise MemoryUnmeasuredError when the direct map cannot be found and confirmed. Other threads
    may go on meanwhile: only the calling one is looked at.
    """
    bcc_seam.load_raw_tracepoint(bpf, "measure_direct_map")
    bcc_seam.load_raw_tracepoint(bpf, "collect_pages")
    table = bpf[b"layout"]
    _store(table, asked_by=os.getpid() << 32 | threading.get_native_id())
    bcc_seam.attach(bpf, "sys_enter", "measure_direct_map")
    try:
        direct_map, levels = _find_direct_map(table)
    finally:
        bcc_seam.detach(bpf, "sys_enter")
    bcc_seam.attach(bpf, "mm_page_alloc", "collect_pages")
    try:
        vmemmap = _find_vmemmap(table, btf.struct_size("page"))
    finally:
        bcc_seam.detach(bpf, "mm_page_alloc")
    _store(table, direct_map=direct_map, levels=levels, vmemmap=vmemmap)
    return MemoryLayout(direct_map, vmemmap, levels, _zero_pfn())


def _find_direct_map(table: Any) -> tuple[int, int]:  # noqa: ANN401 - a map of bcc's
    with OwnPage() as first, OwnPage() as second:
        _ask(table, first, 0)
        found = _answer(table)
        _ask(table, second, found.candidate)
        confirmed = _answer(table)
        if (found.direct_map, found.levels) != (confirmed.direct_map, confirmed.levels):
            raise _unmeasured("two pages of ours lead to different answers")
        return found.direct_map, found.levels


def _ask(table: Any, page: OwnPage, candidate: int) -> None:  # noqa: ANN401
    _store(
        table, asked_address=page.address, asked_frame=page.frame(), candidate=candidate, levels=0
    )


def _answer(table: Any) -> Any:  # noqa: ANN401
    for _ in range(_CALLS):
        os.getppid()
        layout = table[ctypes.c_int(0)]
        if layout.levels:
            return layout
    raise _unmeasured("no candidate leads to the frame that pagemap tells")


def _find_vmemmap(table: Any, descriptor_bytes: int) -> int:  # noqa: ANN401
    """Give the base on which descriptors of two new pages agree; 0 when they do not."""
    candidates = [_vmemmap_candidates(table, descriptor_bytes) for _ in range(3)]
    common = set.intersection(*candidates)
    return common.pop() if len(common) == 1 else 0


def _vmemmap_candidates(table: Any, descriptor_bytes: int) -> set[int]:  # noqa: ANN401
    with OwnPage(touch=False) as page:
        _store(table, collecting=1, collected=0)
        page.touch()
        _store(table, collecting=0)
        layout = table[ctypes.c_int(0)]
        pages = layout.pages[: min(layout.collected, _COLLECTED)]
        bases = {pointer - page.frame() * descriptor_bytes for pointer in pages}
        return {base for base in bases if base > 0 and base % _GIB == 0}


def _store(table: Any, **values: int) -> None:  # noqa: ANN401
    layout = table[ctypes.c_int(0)]
    for name, value in values.items():
        setattr(layout, name, value)
    table[ctypes.c_int(0)] = layout


def _zero_pfn() -> int:
    with OwnPage(touch=False) as page:
        page.read()
        return page.frame()


def _unmeasured(why: str) -> MemoryUnmeasuredError:
    return MemoryUnmeasuredError(
        "cannot measure where this kernel maps physical memory",
        why,
        "record without page faults: proctrace record --no-faults",
    )


class OwnPage:
    """A page of our own that stays where it is while it is looked at."""

    def __init__(self, *, touch: bool = True) -> None:
        self._memory = mmap.mmap(-1, _PAGE_BYTES, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._view = ctypes.c_char.from_buffer(self._memory)
        self.address = ctypes.addressof(self._view)
        if touch:
            self.touch()

    def __enter__(self) -> Self:
        """Give the page."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give its memory back."""
        del self._view
        self._memory.close()

    def touch(self) -> None:
        """Write to it, so that it has a frame of its own."""
        self._memory[0] = 1

    def read(self) -> None:
        """Read it untouched, which maps the shared zero page."""
        assert self._memory[0] == 0  # noqa: S101 - the read is the point

    def frame(self) -> int:
        """Give its frame number from /proc/self/pagemap."""
        with Path("/proc/self/pagemap").open("rb", buffering=0) as pagemap:
            pagemap.seek(self.address // _PAGE_BYTES * 8)
            (entry,) = struct.unpack("<Q", pagemap.read(8))
        if not entry & _PRESENT or not entry & _FRAME:
            raise _unmeasured("/proc/self/pagemap shows no frame numbers")
        return int(entry & _FRAME)
