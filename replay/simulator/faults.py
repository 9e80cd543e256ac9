# SPDX-License-Identifier: Apache-2.0
"""Faults in columns: what each found and what it left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from replay.simulator.frames import NONE, Frames

if TYPE_CHECKING:
    from replay.memory.pte import U8, U64, Bools
    from replay.memory.ranges import Ints
    from replay.simulator.mapping import Mapping
    from replay.simulator.rule import CowRule

_USER, _WRITE, _PRESENT = 4, 2, 1
_COMPLETED, _PAGE_READ, _EXCLUSIVE = 4, 8, 16


@dataclass(frozen=True, slots=True)
class Access:
    """A read or a write of pages of a mapping."""

    mapping: Mapping
    backing: Ints
    """The frames of a shared or file region, by page."""
    frames: Frames
    rule: CowRule
    write: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What the faults on pages find."""

    entry: U64
    level: U8
    frame: Ints
    flags: U8
    count: Ints

    @classmethod
    def by(cls, access: Access, pages: Ints) -> Found:
        """Look at pages before they are touched."""
        mapping, frames = access.mapping, access.frames
        frame = mapping.frame[pages]
        known = frame >= 0
        place = np.maximum(frame, 0)
        flags = np.where(known, _COMPLETED | _PAGE_READ, _COMPLETED)
        flags = flags | np.where(known & frames.exclusive[place], _EXCLUSIVE, 0)
        count = np.where(known, frames.mapcount[place], 0).astype(np.int64)
        entry, level = mapping.entries(pages, frames), levels(mapping, pages)
        return cls(entry, level, frame, flags.astype(np.uint8), count)


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults of one operation, in order, in the columns of table `fault`."""

    page: Ints
    old_pte: U64
    new_pte: U64
    old_level: U8
    new_level: U8
    error_code: U8
    flags: U8
    mapcount: Ints
    """Of the old page, as is its refcount: nothing else holds references here."""
    broke: Bools
    """The fault ended the sharing of a private page, or what was left of it."""
    copied: Bools
    old_frame: Ints

    @classmethod
    def of(cls, access: Access, pages: Ints, found: Found, broke: Bools, copied: Bools) -> Faults:
        """Look at pages after they were touched."""
        error = np.full(len(pages), _USER | _WRITE * access.write, np.uint8)
        error[found.frame != NONE] |= _PRESENT
        mapping = access.mapping
        return cls(
            pages, found.entry, mapping.entries(pages, access.frames), found.level,
            levels(mapping, pages), error, found.flags, found.count, broke, copied, found.frame,
        )  # fmt: skip


def levels(mapping: Mapping, pages: Ints) -> U8:
    """Give the level of the entry that maps each page: 2 for a huge one."""
    return np.where(mapping.is_huge(pages), 2, 1).astype(np.uint8)
