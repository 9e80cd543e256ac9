# SPDX-License-Identifier: Apache-2.0
"""What the addresses of a recording belong to, taken from the files that were executed and mapped.

While recording, addresses and files are noted, cheaply. When it ends each file is opened once,
and its segments, sections and the symbols that addresses fall into are written to the trace, so
that it can be analysed where those files are not.
"""

from __future__ import annotations

import gc
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.debug_files import add_stripped_symbols
from tracer.elf import ElfError, read_elf
from tracer.elf_headers import ADDRESS_MAX
from tracer.few_rows import write_few_rows
from tracer.load_bias import linked_range, of_executions, of_mappings
from tracer.noted_files import NotedFiles, as_addresses
from tracer.ranges import RangeSet, sorted_unique
from tracer.recorded_file import FileId, Place, open_place, open_recorded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracer.elf import ElfFile
    from tracer.elf_symbols import Symbol
    from tracer.noted_files import Columns, NotedFile
    from tracer.ranges import Addresses, Ranges
    from tracer.recorded_file import Opened
    from traces.columns import Values
    from traces.writer import TraceWriter

SYMBOLS_OF_A_FILE_MAX = 1 << 18
"""A library of real size has fewer functions; a file made to have more costs no more time."""
FILE_COLUMNS = ("file_dev", "file_ino")

_PAGE_BITS = 12
_WRITE = 2  # x86 error code: X86_PF_WRITE

_Row = dict[str, Any]


@dataclass(slots=True)
class _Module:
    """The rows of one file, table by table, and the file that the kernel loads beside it."""

    row: _Row
    segments: list[_Row] = field(default_factory=list)
    sections: list[_Row] = field(default_factory=list)
    symbols: list[Symbol] = field(default_factory=list)
    interpreter: tuple[FileId, Place] | None = None


class ModuleCatalogue:
    """Notes files and addresses while recording, and writes what they are when it ends.

    Of a page that was written to every object is written to the trace, since all of them were
    copied with it; of other addresses the one symbol that they fall into.
    """

    def __init__(self) -> None:
        self._noted = NotedFiles()
        self._exact = RangeSet(0)
        self._pages = RangeSet(_PAGE_BITS)

    def note_columns(self, table: str, columns: Columns) -> None:
        """Note rows of a table; those that tell nothing of files and addresses are ignored."""
        if table == "fault":
            written = columns["error_code"] & _WRITE != 0
            self._exact.add(columns["ip"])
            self._exact.add(columns["address"][~written])
            self._pages.add(columns["address"][written])
        elif table == "exec":
            self._noted.note_executions(columns)
        elif table == "mapping_call":
            self._noted.note_mappings(columns)

    def note_pieces(self, pieces: Iterable[bytes]) -> None:
        """Note pieces of text as they come from the ring."""
        self._noted.note_pieces(pieces)

    def note_instructions(self, addresses: Addresses) -> None:
        """Note more addresses of instructions: those of recorded stacks."""
        self._exact.add(addresses)

    def note_mapping(self, file: FileId, place: Place, address: int, offset: int) -> None:
        """Note a mapping that was there when recording began."""
        noted = self._noted.file(file)
        noted.note_path(place.path, place.tgid)
        noted.mappings.extend((address, offset))

    def write(self, writer: TraceWriter) -> None:
        """Write the tables module, segment, section and symbol; nothing may be noted after it."""
        with _without_collector():
            modules = self._modules()
        write_few_rows(writer, "module", [module.row for module in modules])
        write_few_rows(writer, "module_interpreter", list(_interpreters(modules)))
        write_few_rows(writer, "segment", [row for m in modules for row in m.segments])
        write_few_rows(writer, "section", [row for m in modules for row in m.sections])
        _write_symbols(writer, modules)

    def _modules(self) -> list[_Module]:
        files = self._noted.files
        done: dict[FileId, _Module] = {}
        for file, noted in list(files.items()):
            module = done[file] = self._module(file, noted)
            if module.interpreter:
                # Loaded by the kernel; no call tells of it.
                interpreter, place = module.interpreter
                self._note_interpreter(interpreter, place, noted)
                done.pop(interpreter, None)
        for file, noted in files.items():
            if file not in done:
                done[file] = self._module(file, noted)
        return list(done.values())

    def _note_interpreter(self, file: FileId, place: Place, executable: NotedFile) -> None:
        noted = self._noted.file(file)
        noted.note_path(place.path, place.tgid)
        noted.biases.extend(executable.bases)
        noted.last_ns = max(noted.last_ns, executable.last_ns)

    def _module(self, file: FileId, noted: NotedFile) -> _Module:
        module = _Module(_of(file) | {"path": next(iter(noted.tgids), b"")})
        opened = open_recorded(file, noted.places())
        if opened is None:
            return module
        if _changed_since(opened, noted):
            opened.file.close()
            return module
        module.row["path"] = opened.place.path
        try:
            with read_elf(opened.file) as elf:
                self._describe(module, elf, noted, opened.place)
        except ElfError:
            pass
        return module

    def _describe(self, module: _Module, elf: ElfFile, noted: NotedFile, place: Place) -> None:
        file = {name: module.row[name] for name in FILE_COLUMNS}
        module.row |= {"build_id": elf.build_id, "elf_type": elf.type}
        for segment in elf.segments:
            module.segments.append(file | asdict(segment))
        for section in elf.sections:
            module.sections.append(file | asdict(section) | {"bytes": section.size})
        if elf.interpreter and noted.bases:
            module.interpreter = _interpreter(elf.interpreter, place)
        noted_in_it = self._noted_in(elf, noted)
        if len(noted_in_it.begins):
            add_stripped_symbols(elf, place)
            module.symbols = elf.symbols_within(*noted_in_it, SYMBOLS_OF_A_FILE_MAX)

    def _noted_in(self, elf: ElfFile, noted: NotedFile) -> Ranges:
        """Give the noted addresses that may be the file's, as those that it is linked for."""
        mapped = as_addresses(noted.mappings)
        biases = np.concatenate(
            [
                of_executions(elf.type, elf.segments, as_addresses(noted.end_codes)),
                of_mappings(elf.type, elf.segments, mapped[::2], mapped[1::2]),
                as_addresses(noted.biases),
            ]
        )
        biases = sorted_unique(biases[biases < np.uint64(ADDRESS_MAX)])
        low, high = linked_range(elf.segments)
        exact = self._exact.ranges().relative(biases, low, high)
        return exact.joined(self._pages.ranges().relative(biases, low, high))


@contextmanager
def _without_collector() -> Iterator[None]:
    """Pause the cycle collector: headers are many small objects, and each run costs 25 ms."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _write_symbols(writer: TraceWriter, modules: list[_Module]) -> None:
    """Write all symbols as columns, since they may be many."""
    symbols = [symbol for module in modules for symbol in module.symbols]
    if not symbols:
        return
    vaddrs, sizes, kinds, names = zip(*symbols, strict=True)
    counts = [len(module.symbols) for module in modules]
    columns: dict[str, Values] = {
        "file_dev": np.repeat(np.array([m.row["file_dev"] for m in modules], np.uint32), counts),
        "file_ino": np.repeat(np.array([m.row["file_ino"] for m in modules], np.uint64), counts),
        "vaddr": np.array(vaddrs, np.uint64),
        "bytes": np.array(sizes, np.uint64),
        "kind": np.array(kinds, np.uint8),
        "name": list(names),
    }
    writer.rows("symbol", columns)


def _of(file: FileId) -> _Row:
    return dict(zip(FILE_COLUMNS, file, strict=True))


def _interpreters(modules: Iterable[_Module]) -> Iterator[_Row]:
    for module in modules:
        if module.interpreter is not None:
            device, inode = module.interpreter[0]
            of = {name: module.row[name] for name in FILE_COLUMNS}
            yield of | {"interpreter_dev": device, "interpreter_ino": inode}


def _interpreter(path: bytes, place: Place) -> tuple[FileId, Place] | None:
    opened = open_place(Place(path, place.tgid).resolved())
    if opened is None:
        return None
    opened.file.close()
    return opened.id, opened.place


def _changed_since(opened: Opened, noted: NotedFile) -> bool:
    """Tell whether it was written to after its last use: an inode number is used again."""
    wall_ns = time.time_ns() - time.monotonic_ns()
    return noted.last_ns != 0 and opened.changed_ns > noted.last_ns + wall_ns
