# SPDX-License-Identifier: Apache-2.0
"""What an address belonged to at a time: mapping, file, section and symbol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from replay.memory.changes import (
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_SHARED,
    MAP_STACK,
    PROT_EXEC,
    PROT_READ,
    PROT_WRITE,
    Change,
    What,
)
from replay.memory.layout import MappingKind
from replay.memory.modules import PF_R, PF_W, PF_X, Modules
from replay.memory.pte import PAGE_BYTES, PAGE_SHIFT
from replay.memory.ranges import NOT_FOUND, RangeHistory, ints

if TYPE_CHECKING:
    from replay.memory.layout import Piece
    from replay.memory.ranges import Ints
    from replay.memory.spaces import AddressSpaces

KIND: Final = pl.Enum([kind.value for kind in MappingKind])
"""dtype of a column of kinds."""
KIND_CODES: Final = {kind: code for code, kind in enumerate(MappingKind)}
_NO_MAPPING: Final = -2
_IMAGE_KINDS = [
    KIND_CODES[kind] for kind in (MappingKind.TEXT, MappingKind.RODATA, MappingKind.DATA)
]


class Mappings:
    """Every mapping of every address space, found by (space, address, time)."""

    def __init__(
        self,
        spaces: AddressSpaces,
        modules: Modules,
        image: list[Piece],
        changes: list[Change],
    ) -> None:
        self.modules = modules
        self._parents, self._begins = spaces.parents(), spaces.begins().astype(np.int64)
        made = [c for c in changes if c.what in {What.MAP, What.UNMAP, What.MOVE, What.GROW}]
        self._fill(image, made)
        self._history = RangeHistory(self._space, self._low, self._high, self._time_ns)
        self._root = self._roots(image, made)
        self._add_bss(image, made)

    def _fill(self, image: list[Piece], made: list[Change]) -> None:
        """Make the columns of all mappings: those of images, then those by calls."""
        rows: list[tuple[int, ...]] = [
            (p.space, p.low, p.high, 0, KIND_CODES[p.kind], _number(p), p.bias, *_file(p))
            for p in image
        ]
        rows += [self._by_call(change) for change in made]
        columns = [ints(column) for column in zip(*rows, strict=True)] or [ints(())] * 9
        self._space, self._low, self._high, self._time_ns, self._kind = columns[:5]
        self._module, self._bias, self._dev, self._ino = columns[5:]

    def _by_call(self, change: Change) -> tuple[int, ...]:
        kind, module = _kind_of(change), None
        if change.what is What.MAP and change.file_ino:
            module = self.modules.find(change.file_dev, change.file_ino)
        bias = None
        if module is not None and not change.flags & MAP_SHARED:
            address = change.low << PAGE_SHIFT
            bias = module.bias_of_mapping(address, change.offset, _segment_flags(change.prot))
            if bias is not None:
                kind = _segment_kind(change.prot)
        known = module.number if module is not None and bias is not None else NOT_FOUND
        return (change.space, change.low, change.high, change.time_ns,
                _NO_MAPPING if change.what is What.UNMAP else KIND_CODES[kind],
                known, bias or 0, change.file_dev, change.file_ino)  # fmt: skip

    def _roots(self, image: list[Piece], made: list[Change]) -> Ints:
        """Give for each row the one that says what it maps: where mremap got it from."""
        root = np.arange(len(self._space), dtype=np.int64)
        moved = [
            (len(image) + at, change.space, change.source, change.source_ns)
            for at, change in enumerate(made)
            if change.what in {What.MOVE, What.GROW}
        ]
        if not moved:
            return root
        at, space, page, time_ns = (ints(column) for column in zip(*moved, strict=True))
        # At its entry the call itself has taken the pages away already, in the order of rows.
        source = self._found(space, page, time_ns, before=True)
        root[at] = np.where(source < 0, at, source)
        self._kind[at[source < 0]] = KIND_CODES[MappingKind.UNKNOWN]
        for _ in range(len(moved).bit_length()):
            root = root[root]
        return root

    def _add_bss(self, image: list[Piece], made: list[Change]) -> None:
        """Mark anonymous memory that was put over a part of a module: the linker's bss."""
        wanted = MAP_FIXED | MAP_ANONYMOUS
        at = ints(
            len(image) + place
            for place, change in enumerate(made)
            if change.what is What.MAP and change.flags & (wanted | MAP_SHARED) == wanted
        )
        under = self._found(self._space[at], self._low[at], self._time_ns[at], before=True)
        over = (under >= 0) & np.isin(self._kind[under], _IMAGE_KINDS)
        at, under = at[over], under[over]
        self._kind[at] = KIND_CODES[MappingKind.BSS]
        for column in (self._module, self._bias, self._dev, self._ino):
            column[at] = column[under]

    def _found(self, space: Ints, page: Ints, time_ns: Ints, *, before: bool = False) -> Ints:
        """Give the row that maps each page, through forks; NOT_FOUND where none does."""
        look = self._history.last_before if before else self._history.last
        row = look(space, page, time_ns)
        left = np.flatnonzero(row < 0)
        space, page = space[left], page[left]
        while left.size:
            time_ns, space = self._begins[space], self._parents[space]
            on = space >= 0
            left, space, page, time_ns = left[on], space[on], page[on], time_ns[on]
            found = self._history.last(space, page, time_ns)
            row[left] = found
            on = found < 0
            left, space, page = left[on], space[on], page[on]
        row[(row >= 0) & (self._kind[row] == _NO_MAPPING)] = NOT_FOUND
        return row

    def find(self, space: Ints, address: pl.Series, time_ns: Ints) -> Ints:
        """Give the number of the mapping of each address, or NOT_FOUND; see `describe`."""
        found = np.full(len(space), NOT_FOUND, np.int64)
        page = (address.to_numpy() >> np.uint64(PAGE_SHIFT)).astype(np.int64)
        if not len(self._space):
            return found
        rows = np.flatnonzero(space >= 0)
        row = self._found(space[rows].astype(np.int64), page[rows], time_ns[rows])
        found[rows] = np.where(row < 0, NOT_FOUND, self._root[row])
        return found

    def kinds(self, mapping: Ints) -> Ints:
        """Give the code of each mapping's kind, as in KIND_CODES."""
        return _at(self._kind, mapping, KIND_CODES[MappingKind.UNKNOWN])

    def describe(self, mapping: Ints, address: pl.Series) -> pl.DataFrame:
        """Say what addresses belong to, given `find`'s numbers.

        Columns: `kind`; `mapping` (address where it begins; 0 unknown); `file_dev`, `file_ino`
        (0: none); `path` (null: no file that the trace names); `section` and `symbol` (null
        where the trace has none); the kind of an address in a .bss section is `bss`.
        """
        module = _at(self._module, mapping, NOT_FOUND)
        linked = address.to_numpy().astype(np.int64) - _at(self._bias, mapping, 0)
        section = self.modules.sections.named(self.modules.sections.find(module, linked))
        symbol = self.modules.symbols.named(self.modules.symbols.find(module, linked))
        dev, ino = _at(self._dev, mapping, 0), _at(self._ino, mapping, 0)
        kind = pl.Series("kind", list(MappingKind), dtype=KIND).gather(self.kinds(mapping))
        bss = pl.lit(MappingKind.BSS.value, KIND)
        return pl.DataFrame(
            {
                "kind": kind,
                "mapping": _at(self._low, mapping, 0).astype(np.uint64) * PAGE_BYTES,
                "file_dev": dev.astype(np.uint32),
                "file_ino": ino.astype(np.uint64),
                "section": section,
                "symbol": symbol,
            }
        ).with_columns(
            self._paths(dev, ino),
            pl.when(pl.col("section").bin.starts_with(b".bss")).then(bss).otherwise("kind")
            .alias("kind"),
        )  # fmt: skip

    def _paths(self, dev: Ints, ino: Ints) -> pl.Series:
        files = pl.DataFrame({"dev": dev.astype(np.uint32), "ino": ino.astype(np.uint64)})
        known = pl.DataFrame(
            [(m.dev, m.ino, m.path) for m in self.modules.all],
            {"dev": pl.UInt32, "ino": pl.UInt64, "path": pl.Binary},
            orient="row",
        )
        joined = files.join(known, on=["dev", "ino"], how="left", maintain_order="left")
        return joined["path"]


def _at(column: Ints, row: Ints, otherwise: int) -> Ints:
    """Give a column's values at rows, and another value where there is no row."""
    extended = np.append(column, np.int64(otherwise))
    return extended[np.where(row < 0, len(column), row)]


def _number(piece: Piece) -> int:
    return NOT_FOUND if piece.module is None else piece.module.number


def _file(piece: Piece) -> tuple[int, int]:
    return (0, 0) if piece.module is None else (piece.module.dev, piece.module.ino)


def _segment_flags(prot: int) -> int:
    pairs = ((PROT_READ, PF_R), (PROT_WRITE, PF_W), (PROT_EXEC, PF_X))
    return sum(flag for permission, flag in pairs if prot & permission)


def _segment_kind(prot: int) -> MappingKind:
    if prot & PROT_EXEC:
        return MappingKind.TEXT
    return MappingKind.DATA if prot & PROT_WRITE else MappingKind.RODATA


def _kind_of(change: Change) -> MappingKind:
    if change.heap:
        return MappingKind.HEAP
    if change.flags & MAP_SHARED:
        return MappingKind.FILE_SHARED
    if not change.flags & MAP_ANONYMOUS and change.file_ino:
        return MappingKind.FILE_PRIVATE
    return MappingKind.STACK if change.flags & MAP_STACK else MappingKind.ANONYMOUS
