# SPDX-License-Identifier: Apache-2.0
"""What exec itself maps: the segments of the executable and of its interpreter, heap, stack."""

from __future__ import annotations

import struct
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from replay.memory.changes import page_after
from replay.memory.modules import PF_W, PF_X
from replay.memory.pte import PAGE_SHIFT
from replay.memory.walk import Made
from replay.tables import columns
from replay.text import TextFlag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.memory.modules import Module, Modules
    from replay.memory.spaces import AddressSpaces
    from replay.tables import TraceTables

AT_BASE, AT_SYSINFO_EHDR = 7, 33
AUXILIARY_VECTOR = 7
"""`what` of the pieces of an auxiliary vector in table `text`."""
_STACK_TOP_PAGE = 0x7FFFFFFFF
_STACK_TOP_PAGE_32 = 0x100000
"""Where addresses of user space end: TASK_SIZE_MAX with 4 levels, and for 32-bit programs."""
_VDSO_PAGES, _VVAR_PAGES = 2, 6
"""At most, in 6.18: vdso_image.size, and __VDSO_PAGES (arch/x86/include/asm/vdso/vsyscall.h)."""


class MappingKind(StrEnum):
    """What a mapping holds."""

    TEXT = "text"
    RODATA = "rodata"
    DATA = "data"
    BSS = "bss"
    HEAP = "heap"
    """What brk maps; large allocations of malloc are ANONYMOUS."""
    STACK = "stack"
    """The stack that exec made, and mappings that were asked for as stacks of threads."""
    ANONYMOUS = "anonymous"
    FILE_PRIVATE = "file private"
    """A private mapping of a file that is no ELF file, or not known."""
    FILE_SHARED = "file shared"
    """A shared mapping, of a file or of anonymous (shmem) pages."""
    VDSO = "vdso"
    UNKNOWN = "unknown"


class Piece(NamedTuple):
    """A part [low, high) of a new image, in pages."""

    space: int
    low: int
    high: int
    kind: MappingKind
    module: Module | None = None
    bias: int = 0
    """What was added to the module's linked addresses."""


_EXEC = ("time_ns", "tid", "mm", "exe_dev", "exe_ino", "start_code", "end_code", "start_data",
         "end_data", "start_brk", "start_stack", "mmap_base")  # fmt: skip


def pieces(trace: TraceTables, spaces: AddressSpaces, modules: Modules) -> list[Piece]:
    """Give the parts of every image that was executed; of overlapping ones the later holds."""
    numbers = {
        (space.mm, space.begin_ns): space.number
        for space in spaces.spaces
        if space.made is Made.EXEC
    }
    vectors = _auxiliary_vectors(trace.table("text"))
    rows = list(columns(trace.table("exec"), *_EXEC))
    interpreter = modules.interpreter({(row[3], row[4]) for row in rows})
    found: list[Piece] = []
    for time_ns, tid, mm, dev, ino, *layout in rows:
        space = numbers.get((mm, time_ns))
        if space is None:
            continue
        found += _stack(space, layout[5], layout[6])
        found += _image(space, modules.find(dev, ino), layout)
        vector = vectors.get((tid, time_ns), {})
        base = vector.get(AT_BASE, 0)
        linker = modules.interpreter_of(dev, ino) or interpreter
        if base and linker is not None:
            found += segment_pieces(space, linker, base)
        vdso = vector.get(AT_SYSINFO_EHDR, 0) >> PAGE_SHIFT
        if vdso:
            low, high = vdso - _VVAR_PAGES, vdso + _VDSO_PAGES
            found.append(Piece(space, low, high, MappingKind.VDSO))
    return [piece for piece in found if piece.low < piece.high]


def _stack(space: int, start: int, mmap_base: int) -> Iterator[Piece]:
    """Give the room of the stack: all above where mmap begins to search downwards.

    arch_pick_mmap_layout() (arch/x86/mm/mmap.c) leaves the rlimit of the stack as a gap.
    """
    if start and mmap_base:
        top = _STACK_TOP_PAGE if start >> PAGE_SHIFT >= _STACK_TOP_PAGE_32 else _STACK_TOP_PAGE_32
        yield Piece(space, mmap_base >> PAGE_SHIFT, top, MappingKind.STACK)


def _image(space: int, module: Module | None, layout: list[int]) -> Iterator[Piece]:
    start_code, end_code, start_data, end_data, *_ = layout
    bias = module.bias_of_image(end_code) if module is not None else None
    if module is not None and bias is not None:
        yield from segment_pieces(space, module, bias)
        return
    for low, high, kind in (
        (start_code, end_code, MappingKind.TEXT),
        (start_data, end_data, MappingKind.DATA),
    ):
        yield Piece(space, low >> PAGE_SHIFT, page_after(high), kind, module)


def segment_pieces(space: int, module: Module, bias: int) -> Iterator[Piece]:
    """Give the parts that the segments of a module take, as elf_load() maps them."""
    for segment in module.segments:
        begin = segment.vaddr + bias
        low, file_high = begin >> PAGE_SHIFT, page_after(begin + segment.file_bytes)
        high = page_after(begin + segment.mem_bytes)
        kind = MappingKind.RODATA
        if segment.flags & PF_X:
            kind = MappingKind.TEXT
        elif segment.flags & PF_W:
            kind = MappingKind.DATA
        yield Piece(space, low, file_high, kind, module, bias)
        yield Piece(space, file_high, high, MappingKind.BSS, module, bias)


def _auxiliary_vectors(text: pl.DataFrame) -> dict[tuple[int, int], dict[int, int]]:
    """Give type -> value for each exec, by (tid, time_ns)."""
    rows = text.filter(pl.col("what") == AUXILIARY_VECTOR).sort("offset", maintain_order=True)
    joined: dict[tuple[int, int], bytes] = {}
    for tid, time_ns, flags, offset, data in columns(
        rows, "tid", "time_ns", "flags", "offset", "data"
    ):
        before = joined.get((tid, time_ns), b"")
        if offset == len(before) and not flags & TextFlag.UNREADABLE:
            joined[tid, time_ns] = before + data
    return {of: _pairs(data) for of, data in joined.items()}


def _pairs(data: bytes) -> dict[int, int]:
    return dict(struct.iter_unpack("<QQ", data[: len(data) // 16 * 16]))
