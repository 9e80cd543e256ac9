# SPDX-License-Identifier: Apache-2.0
"""A traced program with a library: its layout in memory and its module tables."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tests.histories.memory import MemoryHistory

if TYPE_CHECKING:
    from tests.histories.fake import FakeTrace

EXE, LIBRARY, LINKER = (8 << 20, 100), (8 << 20, 200), (8 << 20, 300)
EXE_BIAS, LIBRARY_BIAS, LINKER_BIAS = 0x5500_0000_0000, 0x7F00_0000_0000, 0x7F10_0000_0000
VDSO, STACK, MMAP_BASE = 0x7FFF_F000_0000, 0x7FFE_0000_0800, 0x7F20_0000_0000
SEGMENTS = (
    (0, 0, 0x800, 0x800, 4),
    (0x1000, 0x1000, 0x1500, 0x1500, 5),
    (0x3E00, 0x2E00, 0x400, 0x3400, 6),
)
"""vaddr, offset, file_bytes, mem_bytes, flags: headers; code; data and two pages of bss."""
SECTIONS = (
    (0x1000, 0x1500, 6, b".text"),
    (0x3E00, 0x100, 3, b".data.rel.ro"),
    (0x3F00, 0x300, 3, b".data"),
    (0x4200, 0x3000, 3, b".bss"),
    (0x4200, 0x4000, 0x403, b".tbss"),
)
SYMBOLS = (
    (0x1100, 0x80, 2, b"alias_of_main"),
    (0x1100, 0x100, 2, b"main"),
    (0x1300, 0, 2, b"assembler"),
    (0x3F00, 8, 1, b"counter"),
)


def describe_modules(trace: FakeTrace) -> None:
    """Write the module tables; all three files are linked alike."""
    paths = (b"/bin/server", b"/lib/libwork.so.1", b"/lib64/ld-linux-x86-64.so.2")
    for (dev, ino), path in zip((EXE, LIBRARY, LINKER), paths, strict=True):
        of = {"file_dev": dev, "file_ino": ino}
        trace.add("module", **of, path=path, elf_type=3)
        for vaddr, offset, file_bytes, mem_bytes, flags in SEGMENTS:
            trace.add("segment", **of, vaddr=vaddr, offset=offset, file_bytes=file_bytes,
                      mem_bytes=mem_bytes, flags=flags)  # fmt: skip
        for vaddr, size, flags, name in SECTIONS:
            trace.add("section", **of, vaddr=vaddr, bytes=size, flags=flags, name=name)
        for vaddr, size, kind, name in SYMBOLS:
            trace.add("symbol", **of, vaddr=vaddr, bytes=size, kind=kind, name=name)


def program(*, modules: bool = True) -> MemoryHistory:
    """Give a history in which sh executed the program, and its linker mapped the library."""
    history = MemoryHistory()
    history.execs("sh", "/bin/server")
    row = history.made.rows["exec"][-1]
    row.update(
        exe_dev=EXE[0], exe_ino=EXE[1], start_code=EXE_BIAS + 0x1000, end_code=EXE_BIAS + 0x2500,
        start_data=EXE_BIAS + 0x3E00, end_data=EXE_BIAS + 0x4200, start_brk=EXE_BIAS + 0x9000,
        start_stack=STACK, mmap_base=MMAP_BASE,
    )  # fmt: skip
    vector = struct.pack("<6Q", 7, LINKER_BIAS, 33, VDSO, 0, 0)
    history.text(row["time_ns"], history.threads["sh"], 7, vector)
    if modules:
        describe_modules(history.made)
    map_library(history, "sh", LIBRARY_BIAS)
    history.call("sh", 12, 0, result=EXE_BIAS + 0x9000)
    history.call("sh", 12, EXE_BIAS + 0xB000, result=EXE_BIAS + 0xB000)
    return history


def map_library(history: MemoryHistory, who: str, base: int) -> None:
    """Map the library as ld.so does: all of it, then segment by segment, then its bss."""
    of = {"file_dev": LIBRARY[0], "file_ino": LIBRARY[1]}
    history.call(who, 9, 0, 0x7200, 1, 2, 3, 0, result=base, **of)
    history.call(who, 9, base + 0x1000, 0x1500, 5, 0x12, 3, 0x1000, result=base + 0x1000, **of)
    history.call(who, 9, base + 0x3000, 0x1200, 3, 0x12, 3, 0x2000, result=base + 0x3000, **of)
    bss = base + 0x5000
    history.call(who, 9, bss, 0x2200, 3, 0x32, 2**64 - 1, 0, result=bss)
