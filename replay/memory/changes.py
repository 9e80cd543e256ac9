# SPDX-License-Identifier: Apache-2.0
"""Changes of mappings by system calls: which pages of which address space, and when.

A call that takes pages away counts from its entry and one that maps from its return, so that
whatever another thread maps at the same place comes after. Effects as in mm/vma.c, mm/mmap.c,
mm/mremap.c and mm/madvise.c of 6.18.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from replay.memory.brks import breaks_before
from replay.memory.pte import PAGE_BYTES, PAGE_SHIFT
from replay.memory.walk import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from replay.memory.pte import U64, Bools
    from replay.memory.ranges import Ints
    from replay.memory.spaces import AddressSpaces
    from replay.tables import TraceTables

PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4
MAP_SHARED, MAP_FIXED, MAP_ANONYMOUS = 1, 0x10, 0x20
MAP_STACK, MAP_HUGETLB = 0x20000, 0x40000
_MMAP, _MUNMAP, _BRK, _MREMAP, _MADVISE = 9, 11, 12, 25, 28
_MREMAP_DONTUNMAP, _HUGE_SHIFT = 4, 21

DROPPING: Final = frozenset({4, 9, 24, 102})
"""MADV_DONTNEED, REMOVE, DONTNEED_LOCKED, GUARD_INSTALL: the pages are gone, the mapping stays."""
_KEEPING = (10, 18)
FORK_ADVICE: Final = frozenset((*_KEEPING, 11, 19))
"""MADV_DONTFORK, WIPEONFORK: a fork does not share the pages; DOFORK and KEEPONFORK: it does."""


class What(IntEnum):
    """What a change does with its pages."""

    MAP = 0
    """Maps anew; what was there before is gone."""
    UNMAP = 1
    DROP = 2
    """The pages are gone, and the mapping stays as it was."""
    MOVE = 3
    """mremap put the mapping and its pages here, from `source`."""
    GROW = 4
    """mremap made the mapping at `source` reach up to here, where nothing was."""
    FORK_ADVICE = 5
    """Pages are or are not (`flags`) kept from children."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes of the pages [low, high) of address spaces, a column for each fact."""

    space: Ints
    low: Ints
    high: Ints
    time_ns: Ints
    what: Ints
    """See `What`."""
    prot: Ints
    flags: Ints
    """mmap's flags; of FORK_ADVICE, 1 when children do not get the pages."""
    file_dev: Ints
    file_ino: Ints
    offset: Ints
    """Where in the file the mapping begins, in bytes."""
    source: Ints
    """MOVE and GROW: the page that the pages before `low` came from."""
    source_ns: Ints
    heap: Ints
    """1 where brk mapped it."""

    def __len__(self) -> int:
        """Give how many there are."""
        return len(self.space)

    def taken(self, at: Ints | Bools) -> Changes:
        """Give some of them, by place or by mask."""
        return Changes(*(getattr(self, one.name)[at] for one in fields(self)))

    def are(self, *what: What) -> Bools:
        """Tell which are of these kinds."""
        return np.isin(self.what, what)


def changes(trace: TraceTables, spaces: AddressSpaces) -> Changes:
    """Give the changes by calls, in the order of their returns."""
    calls = _calls(trace, spaces)
    return _joined(
        *_mmaps(calls.of(_MMAP)),
        *_munmaps(calls.of(_MUNMAP)),
        *_brks(calls.of(_BRK), trace, spaces),
        *_mremaps(calls.of(_MREMAP)),
        *_madvises(calls.of(_MADVISE)),
    )


@dataclass(frozen=True, slots=True)
class _Calls:
    """Calls, each with its number in the order of their returns."""

    number: Ints
    columns: dict[str, NDArray[Any]]

    def where(self, which: Bools) -> _Calls:
        """Give some of them."""
        some = {name: values[which] for name, values in self.columns.items()}
        return _Calls(self.number[which], some)

    def of(self, syscall: int) -> _Calls:
        """Give those of one system call."""
        return self.where(self["syscall"] == syscall)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Give a column."""
        return self.columns[name]

    def change(self, what: What | Ints, low: Ints, high: Ints, **more: Any) -> _Part:  # noqa: ANN401
        """Give a change by each of them, at its return unless `time_ns` says otherwise."""
        own = {"space": self["space"], "time_ns": self["time_ns"]}
        return self.number, own | {"what": what, "low": low, "high": high} | more


_CALL = ("time_ns", "enter_ns", "syscall", "arg0", "arg1", "arg2", "arg3", "arg5", "result",
         "file_dev", "file_ino", "space")  # fmt: skip
_Part = tuple["Ints", dict[str, Any]]
"""Changes as columns, each change with the number of its call."""


def _calls(trace: TraceTables, spaces: AddressSpaces) -> _Calls:
    """Give the calls that may have changed something."""
    call, advice, result = (pl.col(name) for name in ("syscall", "arg2", "result"))
    advises = (call == _MADVISE) & advice.is_in([*DROPPING, *FORK_ADVICE])
    failed = (result > -PAGE_BYTES) & (result < 0)
    rows = trace.table("mapping_call").filter(
        (call.is_in([_MMAP, _MUNMAP, _BRK, _MREMAP]) | advises) & ~failed
    )
    rows = rows.sort("time_ns", maintain_order=True)
    rows = rows.hstack([spaces.assign(rows)["space"]]).filter(pl.col("space") != NOWHERE)
    return _Calls(np.arange(len(rows)), {name: rows[name].to_numpy() for name in _CALL})


def _joined(*parts: _Part) -> Changes:
    """Put changes in the order of their calls; those by one call stay as they are given."""
    order = np.argsort(np.concatenate([number for number, _ in parts]), kind="stable")
    columns = (
        np.concatenate([_column(values.get(one.name, 0), len(number)) for number, values in parts])
        for one in fields(Changes)
    )
    found = Changes(*(column[order] for column in columns))
    return found.taken(found.low < found.high)


def _column(values: NDArray[Any] | int, count: int) -> Ints:
    if isinstance(values, int):
        return np.full(count, values, np.int64)
    # Numbers of 2**63 and more become negative.
    return values.view(np.int64) if values.dtype == np.uint64 else values.astype(np.int64)


def page_after(address: int) -> int:
    """Give the first page that begins at or after an address."""
    return -(-address >> PAGE_SHIFT)


def _pages(address: NDArray[Any], length: U64) -> tuple[Ints, Ints]:
    """Give [low, high) of the pages that a range has a part of; its end may be past 2**64."""
    low = (address >> PAGE_SHIFT).astype(np.int64)
    begin, rest = ((one & (PAGE_BYTES - 1)).astype(np.int64) for one in (address, length))
    whole = (length >> PAGE_SHIFT).astype(np.int64)
    return low, low + whole + _pages_after(begin + rest)


def _pages_after(address: Ints) -> Ints:
    page: Ints = (address >> PAGE_SHIFT) + ((address & (PAGE_BYTES - 1)) != 0)
    return page


def _mmaps(calls: _Calls) -> Iterator[_Part]:
    flags = calls["arg3"]
    low, high = _pages(calls["result"], calls["arg1"])
    huge = _HUGE_SHIFT - PAGE_SHIFT
    high = np.where(flags & MAP_HUGETLB, -(-high >> huge) << huge, high)
    yield calls.change(What.MAP, low, high, prot=calls["arg2"], flags=flags,
                       file_dev=calls["file_dev"], file_ino=calls["file_ino"],
                       offset=calls["arg5"])  # fmt: skip


def _munmaps(calls: _Calls) -> Iterator[_Part]:
    low, high = _pages(calls["arg0"], calls["arg1"])
    yield calls.change(What.UNMAP, low, high, time_ns=calls["enter_ns"])


def _brks(calls: _Calls, trace: TraceTables, spaces: AddressSpaces) -> Iterator[_Part]:
    time_ns, result = calls["time_ns"].view(np.int64), calls["result"]
    before = breaks_before(trace, spaces, (calls["space"].astype(np.int64), time_ns, result))
    known = (before != 0) & (result != 0)
    calls, low, high = calls.where(known), *(_pages_after(one[known]) for one in (before, result))
    yield calls.change(What.UNMAP, high, low, time_ns=calls["enter_ns"])
    yield calls.change(What.MAP, low, high, prot=PROT_READ | PROT_WRITE, flags=MAP_ANONYMOUS,
                       heap=1)  # fmt: skip


def _mremaps(calls: _Calls) -> Iterator[_Part]:
    stays = (calls["result"] >= 0) & (calls["result"].view(np.uint64) == calls["arg0"])
    yield from _resized(calls.where(stays))
    yield from _moved(calls.where(~stays))


def _resized(calls: _Calls) -> Iterator[_Part]:
    low, high = _pages(calls["arg0"], calls["arg1"])
    _, new_high = _pages(calls["arg0"], calls["arg2"])
    enter_ns = calls["enter_ns"]
    yield calls.change(What.UNMAP, new_high, high, time_ns=enter_ns)
    last = np.maximum(high - 1, low)
    yield calls.change(What.GROW, high, new_high, source=last, source_ns=enter_ns)


def _moved(calls: _Calls) -> Iterator[_Part]:
    low, high = _pages(calls["arg0"], calls["arg1"])
    new_low, new_high = _pages(calls["result"], calls["arg2"])
    enter_ns = calls["enter_ns"]
    moved_high = np.minimum(new_high, new_low + high - low)
    yield calls.change(What.MOVE, new_low, moved_high, source=low, source_ns=enter_ns)
    away = np.where(calls["arg3"] & _MREMAP_DONTUNMAP, What.DROP, What.UNMAP)
    yield calls.change(away, low, high, time_ns=enter_ns)
    # An old length of 0 maps shared pages a second time (mm/mremap.c): nothing moves.
    last = np.maximum(high - 1, low)
    yield calls.change(What.GROW, moved_high, new_high, source=last, source_ns=enter_ns)


def _madvises(calls: _Calls) -> Iterator[_Part]:
    drops = np.isin(calls["arg2"], list(DROPPING))
    dropping, advising = calls.where(drops), calls.where(~drops)
    low, high = _pages(dropping["arg0"], dropping["arg1"])
    yield dropping.change(What.DROP, low, high, time_ns=dropping["enter_ns"])
    low, high = _pages(advising["arg0"], advising["arg1"])
    kept = np.isin(advising["arg2"], _KEEPING).astype(np.int64)
    yield advising.change(What.FORK_ADVICE, low, high, flags=kept)
