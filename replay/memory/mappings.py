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
    What,
)
from replay.memory.layout import MappingKind
from replay.memory.modules import PF_R, PF_W, PF_X, Modules
from replay.memory.pte import PAGE_BYTES, PAGE_SHIFT
from replay.memory.ranges import NOT_FOUND, RangeHistory, ints

if TYPE_CHECKING:
    from replay.memory.changes import Changes
    from replay.memory.layout import Piece
    from replay.memory.ranges import Ints
    from replay.memory.spaces import AddressSpaces

KIND: Final = pl.Enum([kind.value for kind in MappingKind])
"""dtype of a column of kinds."""
KIND_CODES: Final = {kind: code for code, kind in enumerate(MappingKind)}
_NO_MAPPING: Final = -2
_PROT = PROT_READ | PROT_WRITE | PROT_EXEC
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
        changes: Changes,
    ) -> None:
        self.modules = modules
        self._parents, self._begins = spaces.parents(), spaces.begins().astype(np.int64)
        made = changes.taken(changes.are(What.MAP, What.UNMAP, What.MOVE, What.GROW))
        self._fill(image, made)
        self._history = RangeHistory(self._space, self._low, self._high, self._time_ns)
        self._root = self._roots(image, made)
        self._add_bss(image, made)

    def _fill(self, image: list[Piece], made: Changes) -> None:
        """Make the columns of all mappings: those of images, then those by calls."""
        rows = [
            (p.space, p.low, p.high, 0, KIND_CODES[p.kind], _number(p), p.bias, *_file(p))
            for p in image
        ]
        first = [ints(column) for column in zip(*rows, strict=True)] or [ints(())] * 9
        columns = [np.concatenate(both) for both in zip(first, self._by_calls(made), strict=True)]
        self._space, self._low, self._high, self._time_ns, self._kind = columns[:5]
        self._module, self._bias, self._dev, self._ino = columns[5:]

    def _by_calls(self, made: Changes) -> list[Ints]:
        module, bias = self._modules_of(made)
        kind = np.where(module < 0, _kinds(made), _segment_kinds(made.prot))
        kind[made.are(What.UNMAP)] = _NO_MAPPING
        return [made.space, made.low, made.high, made.time_ns, kind, module, bias,
                made.file_dev, made.file_ino]  # fmt: skip

    def _modules_of(self, made: Changes) -> tuple[Ints, Ints]:
        """Give (number, bias) of the modules that calls mapped; (NOT_FOUND, 0) where none."""
        module, bias = np.full(len(made), NOT_FOUND, np.int64), np.zeros(len(made), np.int64)
        private = (made.flags & MAP_SHARED) == 0
        at = np.flatnonzero(made.are(What.MAP) & (made.file_ino != 0) & private)
        asked = pl.DataFrame(
            {"dev": made.file_dev[at], "ino": made.file_ino[at].view(np.uint64),
             "offset": made.offset[at].view(np.uint64), "prot": made.prot[at] & _PROT}
        )  # fmt: skip
        once = asked.unique()
        told = [self._beginning(*row) for row in once.iter_rows()]
        known = once.with_columns(
            pl.Series("module", [number for number, _ in told], pl.Int64),
            pl.Series("bias", ints(bias for _, bias in told)),
        )
        joined = asked.join(known, on=asked.columns, how="left", maintain_order="left")
        module[at] = joined["module"].to_numpy()
        address = made.low[at] << PAGE_SHIFT
        bias[at] = np.where(module[at] < 0, 0, joined["bias"].to_numpy() + address)
        return module, bias

    def _beginning(self, dev: int, ino: int, offset: int, prot: int) -> tuple[int, int]:
        """Give (number, bias) of the module that a file is, mapped from address 0."""
        module = self.modules.find(dev, ino)
        bias = None if module is None else module.bias_of_mapping(0, offset, _segment_flags(prot))
        return (NOT_FOUND, 0) if module is None or bias is None else (module.number, bias)

    def _roots(self, image: list[Piece], made: Changes) -> Ints:
        """Give for each row the one that says what it maps: where mremap got it from."""
        root = np.arange(len(self._space), dtype=np.int64)
        moved = np.flatnonzero(made.are(What.MOVE, What.GROW))
        if not moved.size:
            return root
        at = len(image) + moved
        # At its entry the call itself has taken the pages away already, in the order of rows.
        source = self._found(made.space[moved], made.source[moved], made.source_ns[moved],
                             before=True)  # fmt: skip
        root[at] = np.where(source < 0, at, source)
        self._kind[at[source < 0]] = KIND_CODES[MappingKind.UNKNOWN]
        for _ in range(len(moved).bit_length()):
            root = root[root]
        return root

    def _add_bss(self, image: list[Piece], made: Changes) -> None:
        """Mark anonymous memory that was put over a part of a module: the linker's bss."""
        wanted = MAP_FIXED | MAP_ANONYMOUS
        placed = (made.flags & (wanted | MAP_SHARED)) == wanted
        at = len(image) + np.flatnonzero(made.are(What.MAP) & placed)
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


def _segment_kinds(prot: Ints) -> Ints:
    writable = np.where(prot & PROT_WRITE, *_codes(MappingKind.DATA, MappingKind.RODATA))
    return np.where(prot & PROT_EXEC, KIND_CODES[MappingKind.TEXT], writable)


def _kinds(made: Changes) -> Ints:
    flags = made.flags
    of_file = ((flags & MAP_ANONYMOUS) == 0) & (made.file_ino != 0)
    tests = [made.heap != 0, (flags & MAP_SHARED) != 0, of_file, (flags & MAP_STACK) != 0]
    kinds = _codes(MappingKind.HEAP, MappingKind.FILE_SHARED, MappingKind.FILE_PRIVATE,
                   MappingKind.STACK)  # fmt: skip
    return np.select(tests, kinds, KIND_CODES[MappingKind.ANONYMOUS])


def _codes(*kinds: MappingKind) -> list[int]:
    return [KIND_CODES[kind] for kind in kinds]
