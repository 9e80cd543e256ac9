# SPDX-License-Identifier: Apache-2.0
"""The mappings of processes that ran already as recording began, from /proc/PID/maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl

from replay.memory.layout import MappingKind, Piece
from replay.memory.modules import PF_R, PF_W, PF_X
from replay.memory.pte import PAGE_SHIFT
from replay.memory.start import spaces_at_start
from replay.tables import columns

if TYPE_CHECKING:
    from replay.memory.modules import Module, Modules
    from replay.memory.spaces import AddressSpaces
    from replay.tables import TraceTables

_NAMED: Final = {
    b"[heap]": MappingKind.HEAP,
    b"[stack]": MappingKind.STACK,
    b"[vdso]": MappingKind.VDSO,
    b"[vvar]": MappingKind.VDSO,
    b"[vvar_vclock]": MappingKind.VDSO,
    b"[vsyscall]": MappingKind.VDSO,
}
_MAPPING = ("tgid", "address", "end", "prot", "shared", "offset", "file_dev", "file_ino", "path")


class _Mapped(NamedTuple):
    tgid: int
    address: int
    end: int
    prot: int
    shared: int
    offset: int
    dev: int
    ino: int
    path: bytes


def start_pieces(trace: TraceTables, spaces: AddressSpaces, modules: Modules) -> list[Piece]:
    """Give the mappings that were there, as those of a new image are given."""
    numbers = spaces_at_start(trace, spaces)
    found: list[Piece] = []
    rows = trace.table("start_mapping").sort("tgid", "address", maintain_order=True)
    for row in columns(rows, *_MAPPING):
        mapped = _Mapped(*row)
        space = numbers.get(mapped.tgid)
        if space is not None and mapped.address < mapped.end <= 1 << 63:
            found.append(_piece(space, mapped, modules, found[-1] if found else None))
    return found


def _piece(space: int, mapped: _Mapped, modules: Modules, before: Piece | None) -> Piece:
    low, high = mapped.address >> PAGE_SHIFT, -(-mapped.end >> PAGE_SHIFT)
    kind = _NAMED.get(mapped.path, MappingKind.ANONYMOUS)
    if mapped.shared:
        kind = MappingKind.FILE_SHARED
    elif mapped.ino:
        kind = MappingKind.FILE_PRIVATE
    elif kind is MappingKind.ANONYMOUS and before is not None and _is_bss(space, low, before):
        return Piece(space, low, high, MappingKind.BSS, before.module, before.bias)
    module = modules.find(mapped.dev, mapped.ino) if mapped.ino else None
    if module is None or mapped.shared:
        return Piece(space, low, high, kind, module)
    flags = sum(flag for bit, flag in ((1, PF_R), (2, PF_W), (4, PF_X)) if mapped.prot & bit)
    bias = module.bias_of_mapping(mapped.address, mapped.offset, flags)
    if bias is None:
        return Piece(space, low, high, kind, module)
    return Piece(space, low, high, _kind_at(module, mapped.address - bias), module, bias)


def _is_bss(space: int, low: int, before: Piece) -> bool:
    """Tell whether memory of nobody begins inside what a module's data needs beyond its file."""
    if before.module is None or before.space != space or before.high != low:
        return False
    linked = (low << PAGE_SHIFT) - before.bias
    return any(
        one.vaddr <= linked < one.vaddr + one.mem_bytes and one.flags & PF_W
        for one in before.module.segments
    )


def _kind_at(module: Module, linked: int) -> MappingKind:
    """Give the kind by the last segment that begins not after a page: relro is data, too."""
    begun = [one for one in module.segments if one.first_page_vaddr <= linked]
    flags = max(begun, key=lambda one: one.vaddr).flags if begun else 0
    if flags & PF_X:
        return MappingKind.TEXT
    return MappingKind.DATA if flags & PF_W else MappingKind.RODATA


def executable_at_start(trace: TraceTables, tgid: int) -> tuple[int, int]:
    """Give (device, inode) of the program of a process that ran already; zeros if not known."""
    tasks, mapped = trace.table("start_task"), trace.table("start_mapping")
    own = tasks.filter(pl.col("tid") == tgid)["executable"].to_list()
    here = mapped.filter((pl.col("tgid") == tgid) & (pl.col("file_ino") != 0))
    for dev, ino in columns(here.filter(pl.col("path").is_in(own)), "file_dev", "file_ino"):
        return dev, ino
    return 0, 0
