# SPDX-License-Identifier: Apache-2.0
"""Symbols that were stripped from a file and are kept elsewhere.

They are looked for where gdb does: by build id, by .gnu_debuglink, and in .gnu_debugdata.
"""

from __future__ import annotations

import io
import lzma
import zlib
from typing import TYPE_CHECKING

from tracer.elf import ElfError, read_elf
from tracer.recorded_file import Place, open_place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from tracer.elf import ElfFile

DEBUG_FOLDER = b"/usr/lib/debug"

_DEBUG_FILE_BYTES_MAX = 1 << 30
_UNPACKED_BYTES_MAX = 1 << 26
_UNPACKING_BYTES_MAX = 1 << 27
_PIECE_BYTES = 1 << 20


def add_stripped_symbols(elf: ElfFile, place: Place) -> None:
    """Find the symbols that `elf`, the file at `place`, was stripped of, and add them to it.

    A separate file is taken only when it has the same build id or the CRC that is asked for.
    Where none is found, the unwind tables at least tell one function from the other.
    """
    if not elf.type or not elf.stripped:
        return
    for candidate, crc in _candidates(elf, place):
        found = _symbols_at(candidate, elf.build_id, crc)
        if found is not None:
            elf.add_symbols_of(found)
            return
    if elf.mini_debug:
        _add_mini_debug(elf)
    if elf.stripped:
        elf.add_unnamed_functions()


def _candidates(elf: ElfFile, place: Place) -> Iterator[tuple[Place, int | None]]:
    if len(elf.build_id) > 1:
        digits = elf.build_id.hex().encode()
        path = b"%s/.build-id/%s/%s.debug" % (DEBUG_FOLDER, digits[:2], digits[2:])
        yield Place(path, place.tgid), None
    name, crc = elf.debug_link or (b"", 0)
    if name and b"/" not in name and name not in (b".", b".."):
        folder = place.path.rpartition(b"/")[0]
        for where in (folder, folder + b"/.debug", DEBUG_FOLDER + folder):
            yield Place(where + b"/" + name, place.tgid), crc


def _symbols_at(place: Place, build_id: bytes, crc: int | None) -> ElfFile | None:
    opened = open_place(place)
    if opened is None:
        return None
    try:
        found = read_elf(opened.file)
    except ElfError:
        return None
    same = found.build_id == build_id if found.build_id and build_id else _crc(opened.file) == crc
    if same and not found.stripped:
        return found
    found.close()
    return None


def _crc(file: BinaryIO) -> int | None:
    """Give the CRC-32 of a file; None for one too large to be read for it."""
    if file.seek(0, io.SEEK_END) > _DEBUG_FILE_BYTES_MAX:
        return None
    file.seek(0)
    crc = 0
    try:
        while piece := file.read(_PIECE_BYTES):
            crc = zlib.crc32(piece, crc)
    except OSError:
        return None
    return crc


def _add_mini_debug(elf: ElfFile) -> None:
    try:
        unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_UNPACKING_BYTES_MAX)
        unpacked = unpacker.decompress(elf.mini_debug, _UNPACKED_BYTES_MAX)
        elf.add_symbols_of(read_elf(io.BytesIO(unpacked)))
    except (lzma.LZMAError, EOFError, ElfError):
        return
