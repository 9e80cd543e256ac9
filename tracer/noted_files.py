# SPDX-License-Identifier: Apache-2.0
"""Which files were executed and mapped, where in memory, and by which paths they were known."""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from tracer.load_bias import interpreter_base
from tracer.recorded_file import FileId, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from tracer.ranges import Addresses

    Columns = Mapping[str, NDArray[Any]]

_HEAD = struct.Struct("<QIHHII")  # struct piece in bpf/text.h, without its data
_EXECUTABLE, _AUXILIARY_VECTOR, _MAPPED = 5, 7, 8  # enum TEXT_* in bpf/text.h
_SYSCALL_MMAP = 9
_ERRNO_MAX = 4095
_PAGE_BYTES = 4096
_PATHS_MAX = 8
_REMEMBERED = 1 << 16

_Key = tuple[int, int]
_Value = TypeVar("_Value")


def _addresses() -> array[int]:
    return array("Q")


@dataclass(slots=True)
class NotedFile:
    """What was noted of one file."""

    tgids: dict[bytes, int] = field(default_factory=dict)
    """By path: the last process that used it under that path."""
    last_ns: int = 0
    """When it was last executed or mapped (CLOCK_MONOTONIC); 0 not known."""
    end_codes: array[int] = field(default_factory=_addresses)
    """mm->end_code of each execution."""
    bases: array[int] = field(default_factory=_addresses)
    """AT_BASE of each execution: where its ELF interpreter was loaded."""
    mappings: array[int] = field(default_factory=_addresses)
    """Address and offset of each mapping, by turns."""
    biases: array[int] = field(default_factory=_addresses)
    """Load biases that are known."""

    def places(self) -> Iterator[Place]:
        """Give where it may be found, nearest first."""
        for path in self.tgids:
            yield Place(path)
        for path, tgid in self.tgids.items():
            if tgid:
                yield Place(path, tgid)

    def note_path(self, path: bytes, tgid: int) -> None:
        """Note a path, unless there are too many already."""
        if path in self.tgids or len(self.tgids) < _PATHS_MAX:
            self.tgids[path] = tgid


class NotedFiles:
    """The files of a recording, from its rows and pieces of text in whichever order they come."""

    def __init__(self) -> None:
        self.files: dict[FileId, NotedFile] = {}
        self._rows: _Recent[tuple[FileId, int]] = _Recent()
        self._pieces: _Recent[list[bytes]] = _Recent()

    def file(self, file: FileId) -> NotedFile:
        """Give what was noted of a file, to add to it."""
        noted = self.files.get(file)
        if noted is None:
            noted = self.files[file] = NotedFile()
        return noted

    def note_executions(self, columns: Columns) -> None:
        """Note rows of the table `exec`."""
        names = ("time_ns", "tid", "tgid", "exe_dev", "exe_ino", "end_code")
        for time_ns, tid, tgid, device, inode, end_code in _rows(columns, names):
            if inode:
                self._note((time_ns, tid), FileId(device, inode), tgid).end_codes.append(end_code)

    def note_mappings(self, columns: Columns) -> None:
        """Note rows of the table `mapping_call`; those that mapped no file are passed over."""
        result = columns["result"]
        mapped = (columns["syscall"] == _SYSCALL_MMAP) & (columns["file_ino"] != 0)
        mapped &= (result > 0) | (result < -_ERRNO_MAX)
        names = ("time_ns", "tid", "tgid", "file_dev", "file_ino", "compat", "result", "arg5")
        found = {name: columns[name][mapped] for name in names}
        for time_ns, tid, tgid, device, inode, compat, address, offset in _rows(found, names):
            noted = self._note((time_ns, tid), FileId(device, inode), tgid)
            if compat:
                # mmap2: an address of 32 bits, which is sign-extended, and an offset in pages.
                noted.mappings.extend((address & 0xFFFFFFFF, (offset & 0xFFFFFFFF) * _PAGE_BYTES))
            else:
                noted.mappings.extend((address, offset))

    def note_pieces(self, pieces: Iterable[bytes]) -> None:
        """Note pieces of text as they come from the ring: paths and auxiliary vectors."""
        for piece in pieces:
            time_ns, tid, what, flags, _, _ = _HEAD.unpack_from(piece)
            if flags or what not in (_EXECUTABLE, _AUXILIARY_VECTOR, _MAPPED):
                continue
            row = self._rows.get((time_ns, tid))
            if row is not None:
                self._apply(piece, *row)
            else:
                self._pieces.setdefault((time_ns, tid), []).append(piece)

    def _note(self, key: _Key, file: FileId, tgid: int) -> NotedFile:
        noted = self.file(file)
        noted.last_ns = max(noted.last_ns, key[0])
        self._rows.setdefault(key, (file, tgid))
        for piece in self._pieces.get(key) or ():
            self._apply(piece, file, tgid)
        return noted

    def _apply(self, piece: bytes, file: FileId, tgid: int) -> None:
        what, data = _HEAD.unpack_from(piece)[2], piece[_HEAD.size :]
        if what == _AUXILIARY_VECTOR:
            base = interpreter_base(data)
            if base:
                self.file(file).bases.append(base)
        else:
            # Components, the innermost first, each with its NUL.
            path = b"/" + b"/".join(data.split(b"\0")[-2::-1])
            self.file(file).note_path(path, tgid)


class _Recent(Generic[_Value]):
    """What came last, by (time_ns, tid): rows and their pieces are never far apart."""

    def __init__(self) -> None:
        self._new: dict[_Key, _Value] = {}
        self._old: dict[_Key, _Value] = {}

    def get(self, key: _Key) -> _Value | None:
        found = self._new.get(key)
        return self._old.get(key) if found is None else found

    def setdefault(self, key: _Key, value: _Value) -> _Value:
        found = self.get(key)
        if found is not None:
            return found
        if len(self._new) >= _REMEMBERED:
            self._old, self._new = self._new, {}
        self._new[key] = value
        return value


def as_addresses(values: array[int]) -> Addresses:
    """Give noted addresses as an array of numpy."""
    return np.array(values, np.uint64)


def _rows(columns: Columns, names: tuple[str, ...]) -> Iterator[tuple[int, ...]]:
    return zip(*(columns[name].tolist() for name in names), strict=True)
