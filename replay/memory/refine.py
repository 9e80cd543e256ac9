# SPDX-License-Identifier: Apache-2.0
"""Corrects the class of a fault by what its mapping is, which page-table entries do not say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from replay.memory.classes import CODES, FaultClass, codes_of
from replay.memory.layout import MappingKind
from replay.memory.mappings import KIND_CODES
from replay.memory.pte import PAGE_SHIFT
from replay.memory.ranges import NOT_FOUND

if TYPE_CHECKING:
    import polars as pl

    from replay.memory.mappings import Mappings
    from replay.memory.pte import U8, Bools
    from replay.memory.ranges import Ints
    from replay.memory.spaces import AddressSpaces

_F, _K = FaultClass, MappingKind
_UNSURE: Final = codes_of(_F.FIRST_TOUCH, _F.FILE_READ, _F.FILE_COW, _F.REUSE)
_ANONYMOUS: Final = (_K.ANONYMOUS, _K.HEAP, _K.STACK, _K.BSS)
_OF_FILES: Final = (_K.TEXT, _K.RODATA, _K.DATA, _K.FILE_PRIVATE)
_CORRECTIONS: Final = (
    (_F.FIRST_TOUCH, (_K.FILE_SHARED,), _F.SHARED_WRITE),
    (_F.REUSE, (_K.FILE_SHARED,), _F.WRITE_NOTIFY),
    (_F.FIRST_TOUCH, _OF_FILES, _F.FILE_COW),
    (_F.FILE_READ, _ANONYMOUS, _F.FIRST_TOUCH),
    (_F.FILE_COW, _ANONYMOUS, _F.COPY),
)
STACK_AT_EXEC_PAGES: Final = 32
"""setup_arg_pages() (fs/exec.c) makes the stack reach 128 KiB below what exec put on it."""


def refine(
    faults: pl.DataFrame,
    codes: U8,
    mappings: Mappings,
    spaces: AddressSpaces,
    stack_pages: dict[int, int],
) -> None:
    """Correct `codes` in place; `stack_pages` is the page of each new image's stack pointer."""
    rows = np.flatnonzero(np.isin(codes, _UNSURE))
    space = faults["space"].to_numpy()[rows].astype(np.int64)
    time_ns = faults["time_ns"].to_numpy()[rows].view(np.int64)
    mapping = mappings.find(space, faults["address"].gather(rows), time_ns)
    kind = mappings.kinds(mapping)
    before = codes[rows]
    after = before.copy()
    for was, kinds, becomes in _CORRECTIONS:
        of_kind = np.isin(kind, [KIND_CODES[one] for one in kinds])
        after[(before == CODES[was]) & of_kind] = CODES[becomes]
    codes[rows] = after
    on_stack = kind == KIND_CODES[_K.STACK]
    touched = rows[on_stack & (after == CODES[_F.FIRST_TOUCH])]
    page = (faults["address"].to_numpy()[touched] >> np.uint64(PAGE_SHIFT)).astype(np.int64)
    owner = faults["space"].to_numpy()[touched]
    when = faults["time_ns"].to_numpy()[touched]
    order = np.argsort(when, kind="stable")
    grown = _growths(owner[order].astype(np.int64), page[order], spaces, stack_pages)
    codes[touched[order[grown]]] = CODES[_F.STACK_GROWTH]


def _growths(space: Ints, page: Ints, spaces: AddressSpaces, stack_pages: dict[int, int]) -> Bools:
    """Tell which touches, in order of time, were below all that the stack had reached."""
    low = {number: stack - STACK_AT_EXEC_PAGES for number, stack in stack_pages.items()}
    grown = np.zeros(len(page), np.bool_)
    for at, (one, touched) in enumerate(zip(space.tolist(), page.tolist(), strict=True)):
        reached = _reached(one, low, spaces)
        if reached is not None and touched < reached:
            grown[at] = True
            low[one] = touched
    return grown


def _reached(space: int, low: dict[int, int], spaces: AddressSpaces) -> int | None:
    """Give the lowest page of a stack; a fork begins with that of its parent."""
    chain = []
    while space not in low:
        chain.append(space)
        space = spaces.spaces[space].parent
        if space == NOT_FOUND:
            return None
    for one in chain:
        low[one] = low[space]
    return low[space]
