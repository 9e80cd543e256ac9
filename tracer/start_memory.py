# SPDX-License-Identifier: Apache-2.0
"""The memory of what runs already as a recording of faults begins: its mappings and its pages.

Processes go on meanwhile. They are followed before they are looked at, so whatever changes
after the look is recorded, and what a fault or a call tells counts for more than this.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.few_rows import write_few_rows
from tracer.host import PROC
from tracer.recorded_file import FileId, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from tracer.modules import ModuleCatalogue
    from traces.writer import TraceWriter

    Entries = NDArray[np.uint64]
    Runs = dict[str, NDArray[Any]]

PAGES_MAX = 1 << 25
"""Pages of address space that are looked at, 128 GiB, half a second's work; the smaller mappings
come first, since what is larger is mostly reserved and empty."""

_PAGE_BYTES = 4096
_READ_PAGES = 1 << 16
_ROWS_BEFORE_WRITING = 1 << 16
_PRESENT, _SWAPPED, _OF_FILE, _EXCLUSIVE = (np.uint64(1 << bit) for bit in (63, 62, 61, 56))
_FLAGS = ((_PRESENT, 1), (_SWAPPED, 2), (_OF_FILE, 4), (_EXCLUSIVE, 8))
_FRAME = np.uint64((1 << 55) - 1)
_DELETED = b" (deleted)"


class Mapping(NamedTuple):
    """A line of /proc/PID/maps; `prot` is 1 read, 2 write, 4 execute."""

    address: int
    end: int
    prot: int
    shared: bool
    offset: int
    file: FileId
    path: bytes

    @property
    def pages(self) -> int:
        """How many pages it has."""
        return (self.end - self.address) // _PAGE_BYTES


def parse_mapping(line: bytes) -> Mapping:
    """Parse a line of /proc/PID/maps (fs/proc/task_mmu.c, show_map_vma()).

    Raise ValueError for what is no such line.
    """
    fields = line.rstrip(b"\n").split(None, 5)
    path = fields.pop() if len(fields) > 5 else b""  # the path is the sixth
    span, permissions, offset, device, inode = fields
    low, high = (int(part, 16) for part in span.split(b"-"))
    major, minor = (int(part, 16) for part in device.split(b":"))
    prot = sum(1 << bit for bit in range(3) if permissions[bit : bit + 1] != b"-")
    file = FileId(major << 20 | minor, int(inode))
    # seq_path() writes a newline as \012.
    name = path.removesuffix(_DELETED).replace(b"\\012", b"\n") if file.inode else path
    return Mapping(low, high, prot, permissions[3:4] == b"s", int(offset, 16), file, name)


def page_runs(address: int, entries: Entries) -> Runs:
    """Give the columns address, frame, pages and flags of table start_page.

    `entries` are words of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst) from
    `address` on; a row is a run of pages with the same flags in frames that follow each other.
    """
    page = np.flatnonzero(entries & (_PRESENT | _SWAPPED)).astype(np.uint64)
    entry = entries[page]
    flags = np.zeros(len(page), np.uint8)
    for bit, value in _FLAGS:
        flags |= np.where(entry & bit, np.uint8(value), np.uint8(0))
    frame = np.where(entry & _PRESENT, entry & _FRAME, np.uint64(0))
    present = flags & 1
    begins = np.ones(len(page), np.bool_)
    begins[1:] = (np.diff(page) != 1) | (flags[1:] != flags[:-1])
    begins[1:] |= np.diff(frame) != present[1:]
    first = np.flatnonzero(begins)
    return {
        "address": np.uint64(address) + page[first] * np.uint64(_PAGE_BYTES),
        "frame": frame[first],
        "pages": np.diff(np.append(first, len(page))).astype(np.uint32),
        "flags": flags[first],
    }


def write_start_memory(
    writer: TraceWriter,
    tgids: Iterable[int],
    catalogue: ModuleCatalogue | None,
    pages_max: int = PAGES_MAX,
    proc: Path = PROC,
) -> None:
    """Write start_mapping and start_page of processes; those that are gone or hidden have none.

    `catalogue` notes the files, so that addresses in them are resolved as the recording ends.
    """
    pages = _Pages(writer, pages_max)
    rows: list[dict[str, Any]] = []
    for tgid in tgids:
        for mapping, row in _mappings_of(tgid, pages, proc / str(tgid)):
            rows.append(row)
            if catalogue is not None and mapping.file.inode:
                place = Place(mapping.path, tgid)
                catalogue.note_mapping(mapping.file, place, mapping.address, mapping.offset)
    pages.write()
    write_few_rows(writer, "start_mapping", rows)


def _mappings_of(
    tgid: int, pages: _Pages, folder: Path
) -> Iterator[tuple[Mapping, dict[str, Any]]]:
    """Give the mappings of a process and their rows; its pages go to `pages`."""
    time_ns = time.monotonic_ns()
    try:
        # Not splitlines(): a path may hold a carriage return.
        lines = (folder / "maps").read_bytes().split(b"\n")
        mappings = [parse_mapping(line) for line in lines if line]
        descriptor = os.open(folder / "pagemap", os.O_RDONLY)
    except OSError:
        return
    try:
        for mapping in sorted(mappings, key=lambda mapping: mapping.pages):
            read = pages.read(descriptor, mapping, time_ns, tgid)
            yield mapping, {
                "time_ns": time_ns, "tgid": tgid, "address": mapping.address, "end": mapping.end,
                "prot": mapping.prot, "shared": mapping.shared, "offset": mapping.offset,
                "file_dev": mapping.file.device, "file_ino": mapping.file.inode,
                "path": mapping.path, "unread_pages": mapping.pages - read,
            }  # fmt: skip
    finally:
        os.close(descriptor)


class _Pages:
    """Reads pagemaps as far as the budget goes, and writes table start_page in large blocks."""

    def __init__(self, writer: TraceWriter, pages_max: int) -> None:
        self._writer, self._left = writer, pages_max
        self._runs: list[Runs] = []
        self._rows = 0

    def read(self, descriptor: int, mapping: Mapping, time_ns: int, tgid: int) -> int:
        """Read the pages of a mapping from its beginning; give how many were looked at."""
        wanted, done = min(mapping.pages, self._left), 0
        while done < wanted:
            first = mapping.address // _PAGE_BYTES + done
            try:
                data = os.pread(descriptor, 8 * min(wanted - done, _READ_PAGES), 8 * first)
            except OSError:
                break
            if not data:
                break
            self._keep(page_runs(first * _PAGE_BYTES, np.frombuffer(data, "<u8")), time_ns, tgid)
            done += len(data) // 8
        self._left -= done
        return done

    def _keep(self, found: Runs, time_ns: int, tgid: int) -> None:
        count = len(found["address"])
        if count:
            found["time_ns"] = np.full(count, time_ns, np.uint64)
            found["tgid"] = np.full(count, tgid, np.uint32)
            self._runs.append(found)
            self._rows += count
        if self._rows >= _ROWS_BEFORE_WRITING:
            self.write()

    def write(self) -> None:
        """Write what was read."""
        if self._runs:
            names = self._runs[0]
            merged = {name: np.concatenate([run[name] for run in self._runs]) for name in names}
            self._writer.rows("start_page", merged)
        self._runs, self._rows = [], 0
