# SPDX-License-Identifier: Apache-2.0
"""The headers of an ELF file, as pyelftools reads them, and the parts of it that they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from elftools.common.exceptions import ELFError
from elftools.common.utils import struct_parse
from elftools.construct import ConstructError
from elftools.elf.elffile import ELFFile
from elftools.elf.notes import iter_notes

from tracer.elf_frames import FrameSource
from tracer.elf_symbols import SymbolSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from elftools.construct import Construct
    from elftools.construct.lib.container import Container

    from tracer.bounded_file import BoundedFile

ET_EXEC, ET_DYN = 2, 3

ADDRESS_MAX = 1 << 57
"""User space with five levels of page tables ends below it."""

DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    ConstructError,
    ELFError,
)
"""What pyelftools raises for bytes that are those of no ELF file, and what the file itself may."""

_SHF_ALLOC, _SHF_TLS = 2, 0x400
_NAME_BYTES_MAX = 256
_PATH_BYTES_MAX = 4096
_BUILD_ID_BYTES_MAX = 64
_HEADERS_MAX = 4096


@dataclass(frozen=True, slots=True)
class Segment:
    """A loadable segment; the fields are the columns of the table `segment`."""

    vaddr: int
    offset: int
    file_bytes: int
    mem_bytes: int
    flags: int


@dataclass(frozen=True, slots=True)
class Section:
    """An allocated section: where it is linked to begin, its length in bytes, its SHF_* flags."""

    name: bytes
    vaddr: int
    size: int
    flags: int


class Headers:
    """The headers of one file of type ET_EXEC or ET_DYN; damage raises one of `DAMAGE`.

    A damaged table of sections is taken as none, since the kernel executes such files.
    Only the headers themselves are read by pyelftools: its objects for sections read what they
    describe too, hash tables bucket by bucket.
    """

    def __init__(self, file: BoundedFile) -> None:
        self._file = file
        self._stream = cast("IO[bytes]", file)
        self._elf = elf = ELFFile(self._stream)
        self._segments = self._table(elf.structs.Elf_Phdr, "e_ph", elf.num_segments())
        self._sections: list[Container] = []
        try:
            self._sections = self._table(elf.structs.Elf_Shdr, "e_sh", elf.num_sections())
            self._names = self._section_names()
        except DAMAGE:
            self._names = [b""] * len(self._sections)

    @property
    def type(self) -> int:
        """ET_EXEC or ET_DYN."""
        return {"ET_EXEC": ET_EXEC, "ET_DYN": ET_DYN}[self._elf["e_type"]]

    def segments(self) -> Iterator[Segment]:
        """Give the loadable segments in the order of the file."""
        for header in self._segments:
            if header["p_type"] == "PT_LOAD":
                names = ("p_vaddr", "p_offset", "p_filesz", "p_memsz", "p_flags")
                segment = Segment(*(header[name] for name in names))
                if sum(header[name] for name in names[:4]) > ADDRESS_MAX:
                    message = f"{segment} fits no address space"
                    raise ValueError(message)
                yield segment

    def sections(self) -> Iterator[Section]:
        """Give the allocated sections, without .tbss, which takes no place in memory."""
        for name, header in zip(self._names, self._sections, strict=True):
            flags = header["sh_flags"]
            no_place = header["sh_type"] == "SHT_NOBITS" and flags & _SHF_TLS
            if flags & _SHF_ALLOC and not no_place:
                yield Section(name, header["sh_addr"], header["sh_size"], flags)

    def interpreter(self) -> bytes:
        """Give PT_INTERP: the program that the kernel loads beside it; empty for none."""
        for header in self._segments:
            if header["p_type"] == "PT_INTERP":
                return self._file.string(header["p_offset"], _PATH_BYTES_MAX)
        return b""

    def build_id(self) -> bytes:
        """Give the GNU build id; empty where it has none, or its notes are damaged."""
        places = [
            (header["p_offset"], header["p_filesz"])
            for header in self._segments
            if header["p_type"] == "PT_NOTE"
        ] + [
            (header["sh_offset"], header["sh_size"])
            for header in self._sections
            if header["sh_type"] == "SHT_NOTE"
        ]
        for offset, size in places:
            found = self._build_id_at(offset, size)
            if found:
                return found
        return b""

    def _build_id_at(self, offset: int, size: int) -> bytes:
        try:
            for note in iter_notes(self._elf, offset, min(size, self._file.size)):
                if note["n_type"] == "NT_GNU_BUILD_ID" and note["n_name"] == "GNU":
                    return bytes(note["n_descdata"])[:_BUILD_ID_BYTES_MAX]
        except DAMAGE:
            pass
        return b""

    def symbol_sources(self) -> list[SymbolSource]:
        """Give .symtab, or .dynsym where it was stripped of that."""
        for kind in ("SHT_SYMTAB", "SHT_DYNSYM"):
            for header in self._sections:
                if header["sh_type"] == kind and header["sh_link"] < len(self._sections):
                    return [self._source(header)]
        return []

    def frame_source(self) -> FrameSource | None:
        """Give the unwind tables, which know functions that were stripped of their names."""
        parts = [self._part(name) for name in (b".eh_frame_hdr", b".eh_frame")]
        if None in parts:
            return None
        header, frames = cast("list[tuple[int, int, int]]", parts)
        return FrameSource(self._file, self._elf.little_endian, header, frames)

    def _part(self, name: bytes) -> tuple[int, int, int] | None:
        """Give (vaddr, offset, bytes) of the first section of that name that the file has."""
        for section, header in zip(self._names, self._sections, strict=True):
            if section == name and header["sh_type"] != "SHT_NOBITS":
                place = (header["sh_addr"], header["sh_offset"], header["sh_size"])
                return place if place[0] < ADDRESS_MAX else None
        return None

    def contents(self, name: bytes, most: int) -> bytes:
        """Give the first `most` bytes of a section; empty where there is none of that name."""
        for section, header in zip(self._names, self._sections, strict=True):
            if section == name and header["sh_type"] == "SHT_PROGBITS":
                return self._file.at(header["sh_offset"], min(header["sh_size"], most))
        return b""

    def _source(self, header: Container) -> SymbolSource:
        strings = self._sections[header["sh_link"]]
        return SymbolSource(
            self._file,
            self._elf.elfclass,
            self._elf.little_endian,
            header["sh_type"] == "SHT_SYMTAB",
            (header["sh_offset"], header["sh_size"]),
            (strings["sh_offset"], strings["sh_size"]),
            [(other["sh_addr"], other["sh_size"]) for other in self._sections],
        )

    def _table(self, kind: Construct, which: str, count: int) -> list[Any]:
        begin, step = self._elf[f"{which}off"], self._elf[f"{which}entsize"]
        if begin == 0 or count == 0:
            return []
        if count > _HEADERS_MAX or step < kind.sizeof() or begin + count * step > self._file.size:
            message = f"{count} headers of {step} bytes at {begin}"
            raise ValueError(message)
        return [struct_parse(kind, self._stream, begin + i * step) for i in range(count)]

    def _section_names(self) -> list[bytes]:
        index = self._elf.get_shstrndx() if self._sections else 0
        if not 0 < index < len(self._sections):
            return [b""] * len(self._sections)
        begin, size = self._sections[index]["sh_offset"], self._sections[index]["sh_size"]
        places = [header["sh_name"] for header in self._sections]
        return [
            self._file.string(begin + place, _NAME_BYTES_MAX) if place < size else b""
            for place in places
        ]
