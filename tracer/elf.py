# SPDX-License-Identifier: Apache-2.0
"""What an ELF file says of itself: type, build id, segments, sections, symbols.

Files belong to those who are recorded, so they may be damaged on purpose: whatever their bytes
are, reading them takes bounded time and memory and raises nothing but ElfError.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from tracer.bounded_file import BoundedFile
from tracer.elf_headers import DAMAGE, ET_DYN, ET_EXEC, Headers
from tracer.elf_symbols import SymbolTable
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    import numpy as np
    from numpy.typing import NDArray

    from tracer.elf_frames import FrameSource
    from tracer.elf_headers import Section, Segment
    from tracer.elf_symbols import Symbol, SymbolSource

_IDENTIFICATION_BYTES = 18  # e_ident, and e_type in the byte order that it names
_DEBUG_LINK_BYTES_MAX = 512
_MINI_DEBUG_BYTES_MAX = 1 << 24


class ElfError(ProctraceError):
    """A file that begins like an ELF file and is none, or that cannot be read."""


@dataclass(slots=True)
class ElfFile:
    """An ELF file, open until it is closed: symbols are read when they are asked for.

    What is no ELF file, or no program or library (an object file, a core), has type 0 and no rows.
    """

    type: int = 0
    """ET_EXEC (2, linked for one address), ET_DYN (3, position-independent), or 0."""
    build_id: bytes = b""
    interpreter: bytes = b""
    """PT_INTERP: the program that the kernel loads beside it; empty for none."""
    debug_link: tuple[bytes, int] | None = None
    """.gnu_debuglink: the name of the file that has its symbols, and that file's CRC."""
    mini_debug: bytes = b""
    """.gnu_debugdata: an xz-compressed ELF file with the symbols that were stripped."""
    segments: tuple[Segment, ...] = ()
    sections: tuple[Section, ...] = ()
    _sources: list[SymbolSource | FrameSource] = field(default_factory=list)
    _frames: FrameSource | None = None
    _symbols: SymbolTable | None = None
    _files: list[BinaryIO] = field(default_factory=list)

    @property
    def stripped(self) -> bool:
        """Tell whether it lacks .symtab, so that another file may know more symbols."""
        return not any(source.complete for source in self._sources)

    def add_symbols_of(self, other: Self) -> None:
        """Take the symbols of a separate file too; that one is closed with this one."""
        self._sources += other._sources
        self._files += other._files
        self._symbols = None

    def add_unnamed_functions(self) -> None:
        """Take the functions that only the unwind tables know, as KIND_UNNAMED_FUNCTION."""
        if self._frames is not None:
            self._sources.append(self._frames)
            self._frames = self._symbols = None

    def symbols_covering(self, vaddrs: NDArray[np.uint64]) -> list[Symbol]:
        """Give the function or object that each address falls into, each once, by address.

        A symbol of size 0 reaches to the next symbol or to its section's end. Of several names
        for one place the plainest is given. ElfError for a damaged table.
        """
        with _as_elf_error():
            return self._table().covering(vaddrs)

    def symbols_within(
        self, begins: NDArray[np.uint64], ends: NDArray[np.uint64], most: int
    ) -> list[Symbol]:
        """Give the functions and objects that overlap the ranges [begin, end), up to `most`."""
        with _as_elf_error():
            return self._table().within(begins, ends, most)

    def close(self) -> None:
        """Close the files that it was read from."""
        for file in self._files:
            file.close()
        self._files.clear()

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _table(self) -> SymbolTable:
        if self._symbols is None:
            self._symbols = SymbolTable(self._sources)
        return self._symbols


def read_elf(source: Path | BinaryIO) -> ElfFile:
    """Read the headers of a file; ElfError when they are damaged or it cannot be opened.

    A file that is given open is taken over: it is closed with the result, or when this fails.
    """
    with _as_elf_error():
        file = source.open("rb") if isinstance(source, Path) else source
        try:
            return _read(file)
        except BaseException:
            file.close()
            raise


def _read(file: BinaryIO) -> ElfFile:
    bounded = BoundedFile(file)
    start = bounded.at(0, _IDENTIFICATION_BYTES)
    if len(start) < _IDENTIFICATION_BYTES or start[:4] != b"\x7fELF":
        return ElfFile(_files=[file])
    order: Literal["little", "big"] = "big" if start[5] == 2 else "little"
    if int.from_bytes(start[16:18], order) not in (ET_EXEC, ET_DYN):
        return ElfFile(_files=[file])
    headers = Headers(bounded)
    return ElfFile(
        headers.type,
        headers.build_id(),
        headers.interpreter(),
        _debug_link(headers.contents(b".gnu_debuglink", _DEBUG_LINK_BYTES_MAX), order),
        headers.contents(b".gnu_debugdata", _MINI_DEBUG_BYTES_MAX),
        tuple(headers.segments()),
        tuple(headers.sections()),
        list(headers.symbol_sources()),
        headers.frame_source(),
        _files=[file],
    )


def _debug_link(data: bytes, order: Literal["little", "big"]) -> tuple[bytes, int] | None:
    """Split .gnu_debuglink: a name, NUL, padding to a multiple of 4, a CRC-32."""
    name, nul, _ = data.partition(b"\0")
    crc = data[(len(name) + 4) & ~3 :][:4]
    if not name or not nul or len(crc) < 4:
        return None
    return name, int.from_bytes(crc, order)


@contextmanager
def _as_elf_error() -> Iterator[None]:
    try:
        yield
    except DAMAGE as error:
        raise ElfError(
            "cannot read an ELF file",
            f"it is damaged, or not readable: {error}",
            "its addresses are shown without symbols",
        ) from error
