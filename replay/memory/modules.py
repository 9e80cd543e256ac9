# SPDX-License-Identifier: Apache-2.0
"""Executables and libraries: where their segments lie, and what stands at an address in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from replay.memory.pte import PAGE_BYTES
from replay.memory.ranges import NOT_FOUND, PairRank
from replay.tables import columns

if TYPE_CHECKING:
    from replay.memory.ranges import Ints
    from replay.tables import TraceTables

PF_X, PF_W, PF_R = 1, 2, 4
SHF_TLS: Final = 0x400
"""A section of thread-local storage: its address is that of a template, and may be another's."""
_MAX_ADDRESS: Final = 2**63 - 1


_SEGMENT = ("file_dev", "file_ino", "vaddr", "offset", "file_bytes", "mem_bytes", "flags")
_INTERPRETER = ("file_dev", "file_ino", "interpreter_dev", "interpreter_ino")
_Part = tuple[int, int, int, bytes]


@dataclass(frozen=True, slots=True)
class Segment:
    """A PT_LOAD segment; `offset` is where it begins in the file, all in bytes."""

    vaddr: int
    offset: int
    file_bytes: int
    mem_bytes: int
    flags: int

    @property
    def first_page_vaddr(self) -> int:
        """Where its first page is linked to begin: elf_load() (fs/binfmt_elf.c) maps from there."""
        return self.vaddr - self.vaddr % PAGE_BYTES

    @property
    def first_page_offset(self) -> int:
        """Where its first page begins in the file."""
        return self.offset - self.offset % PAGE_BYTES


@dataclass(slots=True)
class Module:
    """A file that was executed or mapped."""

    number: int
    dev: int
    ino: int
    path: bytes = b""
    elf_type: int = 0
    segments: list[Segment] = field(default_factory=list)

    def bias_of_image(self, end_code: int) -> int | None:
        """Give what load_elf_binary() (fs/binfmt_elf.c) added to linked addresses.

        mm->end_code is the highest end in the file of an executable segment, with that added.
        (start_code does not serve: up to 5.10 it counts segments of all kinds.)
        """
        ends = [one.vaddr + one.file_bytes for one in self.segments if one.flags & PF_X]
        return end_code - max(ends) if ends else None

    def bias_of_mapping(self, address: int, offset: int, flags: int) -> int | None:
        """Give the bias of an mmap of the file at `offset`, by the segment that begins there.

        The linker maps each segment from the first byte of its first page. Where two begin in
        the same page of the file, the one with the mapping's permissions is it; where none
        begins there, the one that holds that part of the file.
        """
        inside = [
            segment
            for segment in self.segments
            if segment.first_page_offset <= offset < segment.offset + segment.file_bytes
        ]
        begins = [segment for segment in inside if segment.first_page_offset == offset]
        alike = [segment for segment in begins if segment.flags == flags]
        for segment in (*alike, *begins, *inside):
            return address - (segment.first_page_vaddr + offset - segment.first_page_offset)
        return None


class Modules:
    """The modules of a trace, by number, and the tables of their sections and symbols."""

    def __init__(self, trace: TraceTables) -> None:
        self.all: list[Module] = []
        self._numbers: dict[tuple[int, int], int] = {}
        self._interpreters = {
            (dev, ino): (linker_dev, linker_ino)
            for dev, ino, linker_dev, linker_ino in columns(
                trace.table("module_interpreter"), *_INTERPRETER
            )
        }
        names = ("file_dev", "file_ino", "path", "elf_type")
        for dev, ino, path, elf_type in columns(trace.table("module"), *names):
            module = self._module(dev, ino)
            module.path, module.elf_type = path, elf_type
        for dev, ino, *segment in columns(trace.table("segment"), *_SEGMENT):
            if max(segment) <= _MAX_ADDRESS:
                self._module(dev, ino).segments.append(Segment(*segment))
        sections = trace.table("section").filter((pl.col("flags") & SHF_TLS) == 0)
        self.sections = _Parts(self, sections)
        self.symbols = _Parts(self, trace.table("symbol"), b"function at %#x")

    def _module(self, dev: int, ino: int) -> Module:
        number = self._numbers.setdefault((dev, ino), len(self.all))
        if number == len(self.all):
            self.all.append(Module(number, dev, ino))
        return self.all[number]

    def find(self, dev: int, ino: int) -> Module | None:
        """Give the module of a file; None where the trace has none."""
        number = self._numbers.get((dev, ino))
        return None if number is None else self.all[number]

    def interpreter_of(self, dev: int, ino: int) -> Module | None:
        """Give the dynamic linker that a file names, as the recorder found it; None without."""
        return self.find(*self._interpreters.get((dev, ino), (0, 0)))

    def interpreter(self, executed: set[tuple[int, int]]) -> Module | None:
        """Give the dynamic linker: the module called ld*.so*, which no exec row names."""
        for module in self.all:
            name = module.path.rsplit(b"/", 1)[-1]
            named = name.startswith(b"ld") and b".so" in name
            if named and module.segments and (module.dev, module.ino) not in executed:
                return module
        return None


class _Parts:
    """Sections or symbols of all modules, to be found by address.

    What has no name is called as `unnamed` says, by the address that it is linked for.
    """

    def __init__(self, modules: Modules, rows: pl.DataFrame, unnamed: bytes = b"") -> None:
        names = ("file_dev", "file_ino", "vaddr", "bytes", "name")
        found: list[_Part] = [
            (module.number, vaddr, size, name or (unnamed and unnamed % vaddr))
            for dev, ino, vaddr, size, name in columns(rows, *names)
            if (module := modules.find(dev, ino)) is not None and vaddr + size <= _MAX_ADDRESS
        ]
        # Of several at one address the largest is taken, and of those the first by name.
        found.sort(key=lambda part: (part[0], part[1], -part[2], part[3]))
        first: dict[tuple[int, int], _Part] = {}
        for part in found:
            first.setdefault(part[:2], part)
        kept = list(first.values())
        number, vaddr, size = (np.array([part[at] for part in kept], np.int64) for at in (0, 1, 2))
        self._vaddr = vaddr
        self._size = np.where(size == 0, _MAX_ADDRESS - vaddr, size)
        self._rank = PairRank(number, vaddr)
        self.names = pl.Series("name", [part[3] for part in kept], pl.Binary)

    def find(self, module: Ints, vaddr: Ints) -> Ints:
        """Give for each (module, linked address) the place in `names`, or NOT_FOUND."""
        place = self._rank.last_not_after(self._rank.keys, module, vaddr)
        if not len(self._vaddr):
            return place
        inside = (place >= 0) & (vaddr - self._vaddr[place] < self._size[place])
        return np.where(inside, place, NOT_FOUND)

    def named(self, place: Ints) -> pl.Series:
        """Give the names at places; null for NOT_FOUND."""
        wanted = pl.Series(place)
        return self.names.gather(wanted.set(wanted < 0, None))
