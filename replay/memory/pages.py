# SPDX-License-Identifier: Apache-2.0
"""What changed a page, page by page in order of time, and who had a page before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from replay.memory import pte
from replay.memory.classes import CODES, FaultClass, codes_of
from replay.memory.ranges import NOT_FOUND, Ints, bisected, expanded

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from replay.memory.contents import Contents
    from replay.memory.pte import U8, Bools
    from replay.memory.start import StartPages

_F = FaultClass
AT_START: Final = np.uint8(len(CODES))
"""In place of a class: no fault, but a private page that was there as recording began."""
_OTHER_AT_START: Final = np.uint8(len(CODES) + 1)
BIRTHS: Final = np.append(
    codes_of(_F.FIRST_TOUCH, _F.STACK_GROWTH, _F.ZERO_COPY, _F.FILE_COW, _F.HUGE_FIRST_TOUCH),
    AT_START,
)
"""Classes that make a private page where none was known."""
COPIES: Final = codes_of(_F.COPY, _F.HUGE_COPY, _F.HUGE_SPLIT)
REUSES: Final = codes_of(_F.REUSE, _F.HUGE_REUSE)
BREAKS: Final = np.concatenate([COPIES, REUSES])
"""Classes that end the sharing of a private page, or what is left of it."""
WHOLE: Final = codes_of(_F.HUGE_FIRST_TOUCH, _F.HUGE_COPY, _F.HUGE_REUSE)
"""Classes that concern each small page of a huge one."""
_PRIVATE: Final = np.concatenate([BIRTHS, BREAKS, codes_of(_F.SWAP_IN)])
_STATES: Final = np.concatenate(
    [_PRIVATE, codes_of(_F.ZERO_PAGE, _F.FILE_READ, _F.SHARED_WRITE, _F.WRITE_NOTIFY)]
)
_MOST_WHOLE: Final = 1 << 17
"""Huge faults that are taken apart into small pages: 256 GiB. Those beyond count as one page."""
_MOST_STEPS: Final = 100_000


class PageEvents:
    """Faults that set what a page is, sorted by address space, page and time of completion.

    A fault of a huge page is there once for each of its small pages; `first` marks one of them.
    Before all of them comes what a page was as recording began, at time 0; its `row` is the
    number of faults and the run in `StartPages` on top.
    """

    def __init__(
        self, faults: pl.DataFrame, codes: U8, contents: Contents, start: StartPages
    ) -> None:
        self.contents, self._start = contents, start
        self._faults = len(faults)
        self._sort(faults, codes)
        self._drop_stale(faults)
        self._drop_raced(faults)

    def _sort(self, faults: pl.DataFrame, codes: U8) -> None:
        space = faults["space"].to_numpy()
        row = np.flatnonzero(_mask(_STATES)[codes] & (space >= 0)).astype(np.uint32)
        done = (faults["time_ns"].to_numpy() + faults["took_ns"].to_numpy())[row].view(np.int64)
        if (done[1:] < done[:-1]).any():
            order = np.argsort(done, kind="stable")
            row, done = row[order], done[order]
        page = (faults["address"].to_numpy() >> np.uint64(pte.PAGE_SHIFT))[row].view(np.int64)
        row, done, page, self.first = _taken_apart(row, done, page, codes)
        run, early = self._start.each()
        if run.size:
            row = np.concatenate([(run + len(faults)).astype(np.uint32), row])
            done = np.concatenate([np.zeros(len(run), np.int64), done])
            page = np.concatenate([early, page])
            self.first = np.concatenate([np.ones(len(run), np.bool_), self.first])
            at_start = np.where(self._start.private, AT_START, _OTHER_AT_START)
            codes = np.concatenate([codes, at_start])
            space = np.concatenate([space, self._start.space])
        bits = max(int(page.max(initial=0)).bit_length(), 1)
        if bits + len(self.contents.ends).bit_length() >= 63:
            bits, page = self._ranked(page)
        else:
            self._pages: Ints | None = None
        self._bits = np.int64(bits)
        key = space[row].astype(np.int64) << self._bits | page
        order = np.argsort(key, kind="stable")
        self.row, self.done, self.key = row[order], done[order], key[order]
        self.first = self.first[order]
        self.code = codes[self.row]

    def _ranked(self, page: Ints) -> tuple[int, Ints]:
        self._pages, place = np.unique(page, return_inverse=True)
        return len(self._pages).bit_length(), place.astype(np.int64)

    def _drop_stale(self, faults: pl.DataFrame) -> None:
        """Take out what was looked at after a recorded fault of it, and is what that one left."""
        at = np.flatnonzero(self.row[:-1] >= self._faults)
        at = at[self.key[at] == self.key[at + 1]]
        if not at.size:
            return
        row, page = self.row[at + 1], self.page(at)
        old, new = (
            pte.frames(faults[f"{which}_pte"].to_numpy()[row],
                       faults[f"{which}_level"].to_numpy()[row], page)
            for which in ("old", "new")
        )  # fmt: skip
        then = self._start.frame(self.run(at), page)
        self._drop(at[(then >= 0) & (then == new) & (then != old)])

    def _drop(self, event: Ints) -> None:
        if event.size:
            kept = np.ones(len(self.row), np.bool_)
            kept[event] = False
            for name in ("row", "done", "key", "first", "code"):
                setattr(self, name, getattr(self, name)[kept])

    def _drop_raced(self, faults: pl.DataFrame) -> None:
        """Take out faults that found their work done by another thread, and remember them."""
        same = np.flatnonzero(self.key[1:] == self.key[:-1]) + 1
        now, before = self.row[same], self.row[same - 1]
        began = faults["time_ns"].to_numpy()[now].view(np.int64)
        same = same[began < self.done[same - 1]]
        now, before = self.row[same], self.row[same - 1]
        alike = np.ones(len(same), np.bool_)
        for name in ("old_pte", "new_pte"):
            entry = faults[name].to_numpy()
            alike &= ((entry[now] ^ entry[before]) & pte.FRAME) == 0
        self.raced = self.row[same[alike]]
        """Rows of `faults` that are RACED, whatever their entries say."""
        self._drop(same[alike])

    def at_start(self, event: Ints) -> Bools:
        """Tell which events are no faults, but pages that were there as recording began."""
        at_start: Bools = self.row[event] >= self._faults
        return at_start

    def run(self, event: Ints) -> Ints:
        """Give the run in `StartPages` of pages that were there as recording began."""
        return self.row[event].astype(np.int64) - self._faults

    def space(self, event: Ints) -> Ints:
        """Give the address space of events."""
        return self.key[event] >> self._bits

    def page(self, event: Ints) -> Ints:
        """Give the page of events: its address over 4096."""
        return self._pages_of(self.key[event])

    def _pages_of(self, key: Ints) -> Ints:
        page = key & ((np.int64(1) << self._bits) - 1)
        return page if self._pages is None else self._pages[page]

    def is_one_of(self, classes: U8) -> Bools:
        """Tell which events are of these classes."""
        return _mask(classes)[self.code]

    def private_after(self, event: Ints) -> Bools:
        """Tell after which events the page was a private one; after NOT_FOUND it was not."""
        if not len(self.code):
            return np.zeros(len(event), np.bool_)
        private: Bools = _mask(_PRIVATE)[self.code[event]] & (event >= 0)
        return private

    def keys(self, space: Ints, page: Ints) -> Ints:
        """Give the key of pages, for comparison with `key`; NOT_FOUND where none can have it."""
        if self._pages is not None:
            place = np.searchsorted(self._pages, page)
            known = self._pages[np.minimum(place, len(self._pages) - 1)] == page
            return np.where(known, space << self._bits | place, NOT_FOUND)
        fits = page >> self._bits == 0
        return np.where(fits, space << self._bits | page, NOT_FOUND)

    def opens(self, event: Ints) -> Bools:
        """Tell which events are the first of their page and address space."""
        opens: Bools = (self.key[event] != self.key[event - 1]) | (event == 0)
        return opens

    def first_of(self, space: Ints, page: Ints) -> Ints:
        """Give the place of the first event of each page; where it has none, that of another."""
        return np.searchsorted(self.key, self.keys(space, page))

    def last(self, space: Ints, page: Ints, time_ns: Ints) -> Ints:
        """Give the last event of each page not after a time, or NOT_FOUND."""
        key = self.keys(space, page)
        low = np.searchsorted(self.key, key)
        high = np.searchsorted(self.key, key, side="right")
        found = bisected(self.done, low, high, time_ns) - 1
        return np.where(found < low, NOT_FOUND, found)

    def owner(self, space: Ints, page: Ints, time_ns: Ints) -> Ints:
        """Give the event that made each page what it was at a time, through moves and forks.

        It may be one of another address space. NOT_FOUND where there is none: the page was not
        there, or it is older than what was recorded.
        """
        found = np.full(len(space), NOT_FOUND, np.int64)
        left = np.arange(len(space))
        for _ in range(_MOST_STEPS):
            own = self.last(space, page, time_ns)
            since = np.where(own < 0, -1, self.done[own]) if len(self.done) else own
            step = self.contents.came_from(space, page, time_ns, since)
            here = (own >= 0) & ~step.changed
            found[left[here]] = own[here]
            left = left[step.onward]
            if not left.size:
                break
            space, page = step.space[step.onward], step.page[step.onward]
            time_ns = step.time_ns[step.onward]
        return found

    def between(self, space: int, low: int, high: int) -> Ints:
        """Give the pages of an address space in [low, high) that had any event."""
        at = np.searchsorted(self.key, self._edges(space, low, high))
        return self._pages_of(np.unique(self.key[at[0] : at[1]]))

    def _edges(self, space: int, low: int, high: int) -> Ints:
        limit = 1 << int(self._bits)
        pages = np.array([low, high], np.int64)
        if self._pages is not None:
            pages = np.searchsorted(self._pages, pages)
        return (np.int64(space) << self._bits) + np.clip(pages, 0, limit)


def _mask(classes: U8) -> Bools:
    mask = np.zeros(len(CODES) + 2, np.bool_)
    mask[classes] = True
    return mask


def _taken_apart(
    row: NDArray[np.uint32], done: Ints, page: Ints, codes: U8
) -> tuple[NDArray[np.uint32], Ints, Ints, Bools]:
    """Put 512 small pages in place of each huge one."""
    whole = np.flatnonzero(_mask(WHOLE)[codes[row]])[:_MOST_WHOLE]
    first = np.ones(len(row), np.bool_)
    if not whole.size:
        return row, done, page, first
    begin = np.arange(len(row), dtype=np.int64)
    counts = np.ones(len(row), np.int64)
    counts[whole] = pte.HUGE_PAGES
    which, at = expanded(np.zeros_like(begin), counts)
    huge = counts[which] > 1
    base = page[which] & -pte.HUGE_PAGES
    small = np.where(huge, base + at, page[which])
    return row[which], done[which], small, small == page[which]
