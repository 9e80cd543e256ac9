# SPDX-License-Identifier: Apache-2.0
"""Symbol tables as arrays: which function or object lies at an address. No Python per symbol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.ranges import sorted_unique

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from tracer.bounded_file import BoundedFile
    from tracer.elf_frames import FrameSource

KIND_OBJECT, KIND_FUNCTION, KIND_UNNAMED_FUNCTION = 1, 2, 3

_STT_OBJECT, _STT_FUNC, _STT_COMMON, _STT_GNU_IFUNC = 1, 2, 5, 10
_KINDS = np.zeros(16, np.uint8)
_KINDS[[_STT_OBJECT, _STT_COMMON]] = KIND_OBJECT
_KINDS[[_STT_FUNC, _STT_GNU_IFUNC]] = KIND_FUNCTION
_SHN_UNDEF, _SHN_LORESERVE = 0, 0xFF00
_SHN_XINDEX = 0xFFFF

_SYM = {
    32: [("name", "u4"), ("value", "u4"), ("size", "u4"), ("info", "u1"), ("other", "u1"),
         ("shndx", "u2")],
    64: [("name", "u4"), ("info", "u1"), ("other", "u1"), ("shndx", "u2"), ("value", "u8"),
         ("size", "u8")],
}  # fmt: skip
SYMBOL_ROW = np.dtype(
    [
        ("begin", "<u8"),
        ("bytes", "<u8"),
        ("limit", "<u8"),
        ("name", "<u4"),
        ("kind", "u1"),
        ("source", "u1"),
        ("local", "?"),
    ]
)
"""A symbol as sources give it: where it begins, its length, where its section ends, ..."""

_NAME_BYTES_MAX = 8192
_ALIASES_MAX = 16
_NESTED_MAX = 16


class Symbol(NamedTuple):
    """A function or object: where it is linked to begin, its length in bytes, KIND_*, its name.

    The name of a KIND_UNNAMED_FUNCTION is empty: only its bounds are known.
    """

    vaddr: int
    size: int
    kind: int
    name: bytes


@dataclass(frozen=True, slots=True)
class SymbolSource:
    """Where a symbol table is: (offset, bytes) of it and of its strings in a file."""

    file: BoundedFile
    elf_class: int
    little_endian: bool
    complete: bool
    """It is .symtab: what the compiler made, and not only what is exported."""
    table: tuple[int, int]
    strings: tuple[int, int]
    sections: Sequence[tuple[int, int]]
    """(vaddr, bytes) of each section, by its index."""

    def rows(self, number: int) -> NDArray[Any]:
        """Read the functions and objects that are defined in the file."""
        order = "<" if self.little_endian else ">"
        dtype = np.dtype([(name, order + kind) for name, kind in _SYM[self.elf_class]])
        data = self.file.at(*self.table)
        raw = np.frombuffer(data[: len(data) - len(data) % dtype.itemsize], dtype)
        kinds = _KINDS[raw["info"] & 15]
        section = raw["shndx"]
        ordinary = (section < _SHN_LORESERVE) | (section == _SHN_XINDEX)
        kept = (kinds != 0) & (section != _SHN_UNDEF) & ordinary
        raw = raw[kept]
        rows = np.empty(len(raw), SYMBOL_ROW)
        rows["begin"], rows["bytes"], rows["name"] = raw["value"], raw["size"], raw["name"]
        rows["limit"] = self._section_ends(raw["shndx"], rows["begin"])
        rows["kind"], rows["source"] = kinds[kept], number
        rows["local"] = raw["info"] >> 4 == 0
        return rows

    def name_at(self, place: int) -> bytes:
        """Give a name, cut after 8 KiB; empty when its place is not among the strings."""
        begin, size = self.strings
        return self.file.string(begin + place, _NAME_BYTES_MAX) if place < size else b""

    def _section_ends(self, index: NDArray[Any], begin: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Give the end of each symbol's section; where that is not known, no end."""
        places = np.array(self.sections or [(0, 0)], np.uint64)
        known = index < len(places)
        place = places[np.where(known, index, 0)]
        end = _sum(place[:, 0], place[:, 1])
        known &= (place[:, 0] <= begin) & (begin < end)
        return np.where(known, end, np.uint64(2**64 - 1))


class SymbolTable:
    """The symbols of one or more sources, sorted by address."""

    def __init__(self, sources: Sequence[SymbolSource | FrameSource]) -> None:
        self._sources = sources
        parts = [source.rows(number) for number, source in enumerate(sources)]
        rows = _without_known(np.concatenate([np.empty(0, SYMBOL_ROW), *parts]))
        # Of the symbols that begin at one address the longest comes first.
        rows = rows[np.lexsort((~rows["bytes"], rows["begin"]))]
        self._rows = rows
        new = np.ones(len(rows), bool)
        new[1:] = rows["begin"][1:] != rows["begin"][:-1]
        self._first = np.flatnonzero(new)
        self._begins = np.ascontiguousarray(rows["begin"][self._first])
        self._ends = self._reach_of_unsized(rows[self._first])
        self._far = np.maximum.accumulate(self._ends)
        numbers = np.arange(len(self._ends))
        self._farthest = np.maximum.accumulate(np.where(self._ends == self._far, numbers, 0))

    def covering(self, vaddrs: NDArray[np.uint64]) -> list[Symbol]:
        """Give the symbols that these addresses fall into, each once, by address."""
        found = self._covering(sorted_unique(vaddrs))
        return self._symbols(sorted_unique(found[found >= 0]))

    def within(
        self, begins: NDArray[np.uint64], ends: NDArray[np.uint64], most: int
    ) -> list[Symbol]:
        """Give the symbols that overlap the ranges [begin, end), the first `most` by address."""
        from_number = np.searchsorted(self._begins, begins)
        to_number = np.maximum(np.searchsorted(self._begins, ends), from_number)
        change = np.zeros(len(self._begins) + 1, np.int64)
        np.add.at(change, from_number, 1)
        np.add.at(change, to_number, -1)
        inside = np.flatnonzero(np.cumsum(change)[:-1] > 0)
        inside = inside[self._ends[inside] > self._begins[inside]]
        parts = [inside, *self._containing(begins[begins < ends])]
        return self._symbols(sorted_unique(np.concatenate(parts))[:most])

    def _containing(self, vaddrs: NDArray[np.uint64]) -> Iterator[NDArray[np.int64]]:
        """Give the numbers of all symbols that contain these addresses, from the innermost."""
        found = np.searchsorted(self._begins, vaddrs, "right") - 1
        for _ in range(_NESTED_MAX):
            left = found >= 0
            vaddrs, found = vaddrs[left], found[left]
            left = vaddrs < self._far[found]
            vaddrs, found = vaddrs[left], found[left]
            yield found[vaddrs < self._ends[found]]
            yield self._farthest[found]
            found = found - 1

    def _covering(self, vaddrs: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Give the number of the innermost symbol that each address falls into, or -1."""
        found = np.searchsorted(self._begins, vaddrs, "right") - 1
        if not len(self._begins):
            return found
        for _ in range(_NESTED_MAX):
            missed = (found >= 0) & (vaddrs >= self._ends[found]) & (vaddrs < self._far[found])
            if not missed.any():
                break
            found[missed] -= 1
        else:
            found[missed] = self._farthest[found[missed]]
        found[vaddrs >= self._ends[found]] = -1
        return found

    def _reach_of_unsized(self, rows: NDArray[Any]) -> NDArray[np.uint64]:
        """Give each symbol's end: size 0 (assembly) reaches to the next symbol or section.

        It does not where it lies within another: then it is a label in that.
        """
        ends = _sum(rows["begin"], rows["bytes"])
        before = np.zeros(len(rows), np.uint64)
        before[1:] = np.maximum.accumulate(ends)[:-1]
        following = np.full(len(rows), 2**64 - 1, np.uint64)
        following[:-1] = rows["begin"][1:]
        following = np.minimum(following, rows["limit"])
        # The last one, with neither a next symbol nor a section, has no known end.
        following[following == 2**64 - 1] = 0
        unsized = (rows["bytes"] == 0) & (before <= rows["begin"])
        return np.where(unsized, np.maximum(following, ends), ends)

    def _symbols(self, numbers: Iterable[np.int64]) -> list[Symbol]:
        return [
            Symbol(
                int(self._begins[number]),
                int(self._ends[number] - self._begins[number]),
                int(self._rows["kind"][self._first[number]]),
                self._plainest_name(int(self._first[number])),
            )
            for number in numbers
        ]

    def _plainest_name(self, first: int) -> bytes:
        """Give the best name of a place: exported, few leading underscores, short."""
        rows = self._rows[first : first + _ALIASES_MAX]
        same = (rows["begin"] == rows["begin"][0]) & (rows["bytes"] == rows["bytes"][0])
        names: list[tuple[bool, bool, int, int, bytes]] = []
        for row in rows[same]:
            name = self._sources[row["source"]].name_at(int(row["name"]))
            underscores = len(name) - len(name.lstrip(b"_"))
            names.append((not name, bool(row["local"]), underscores, len(name), name))
        return min(names)[-1]


def _without_known(rows: NDArray[Any]) -> NDArray[Any]:
    """Leave out the unnamed functions that begin where or within what has a name."""
    unnamed = rows["kind"] == KIND_UNNAMED_FUNCTION
    if not unnamed.any():
        return rows
    named = np.sort(rows[~unnamed], order="begin")
    far = np.maximum.accumulate(
        np.maximum(_sum(named["begin"], named["bytes"]), named["begin"] + 1)
    )
    before = np.searchsorted(named["begin"], rows["begin"], "right")
    known = rows["begin"] < np.append(np.uint64(0), far)[before]
    kept: NDArray[Any] = rows[~(unnamed & known)]
    return kept


def _sum(begin: NDArray[np.uint64], size: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Give begin + size, at most the highest address."""
    return begin + np.minimum(size, ~begin)
