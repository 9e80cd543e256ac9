# SPDX-License-Identifier: Apache-2.0
"""When a write to a shared page copies it and when it reuses it, by the reference model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from replay.model.values import Decision
from replay.simulator.frames import HUGE_PAGES, NONE

if TYPE_CHECKING:
    from replay.memory.pte import Bools
    from replay.memory.ranges import Ints
    from replay.model.values import Model
    from replay.simulator.frames import Frames
    from replay.simulator.mapping import Mapping

_LARGE_REUSE: Final = (6, 15)
"""Since then __wp_can_reuse_large_anon_folio() (mm/memory.c) knows whose all references are."""
_HUGE_ZERO_WHOLE: Final = (6, 13)
"""Since then do_huge_zero_wp_pmd() (mm/huge_memory.c) makes a huge page on a write to zeros."""
_LATEST: Final = (6, 18)


@dataclass(frozen=True, slots=True)
class CowRule:
    """The rule of one model."""

    model: Model

    @property
    def kernel(self) -> tuple[int, int]:
        """The release that the model is about; of the textbook, the first one."""
        return self.model.kernel or (2, 6)

    @property
    def huge_zero_makes_huge(self) -> bool:
        """Whether a write to the huge page of zeros makes a huge page."""
        return self.kernel >= _HUGE_ZERO_WHOLE

    def copies(self, mapping: Mapping, frames: Frames, pages: Ints) -> Bools:
        """Tell which writes to private pages that are there copy them."""
        frame = mapping.frame[pages]
        exclusive, count = frames.exclusive[frame], frames.mapcount[frame]
        cases, which = np.unique(count * 2 + exclusive, return_inverse=True)
        copied = np.array([self._copies_small(int(case)) for case in cases], np.bool_)[which]
        large = np.flatnonzero((frames.folio[frame] != NONE) & ~exclusive)
        if large.size:
            copied[large] = self._copies_large(mapping, frames, pages[large])
        return copied

    def _copies_small(self, case: int) -> bool:
        exclusive, count = bool(case & 1), case >> 1
        found = self.model.cow_case(exclusive=exclusive, refcount=count, mapcount=count)
        if found is None or found.decision is Decision.OPEN:
            return count > 1
        return found.decision is Decision.COPY

    def _copies_large(self, mapping: Mapping, frames: Frames, pages: Ints) -> Bools:
        """Tell it for small pages of huge ones, which share their references."""
        frame = mapping.frame[pages]
        folio = frames.folio[frame]
        copied = np.ones(len(pages), np.bool_)
        for one in np.unique(folio).tolist():
            rows = np.flatnonzero(folio == one)
            block = int(pages[rows[0]]) // HUGE_PAGES
            here = mapping.frame[block * HUGE_PAGES : (block + 1) * HUGE_PAGES]
            own = int(((here >= one) & (here < one + HUGE_PAGES)).sum())
            if frames.folio_mapcount(one) != own:
                continue
            if self.kernel >= _LARGE_REUSE:
                copied[rows] = False
            elif len(rows) == own:
                # The last of them finds one reference alone.
                copied[rows[-1]] = False
        return copied

    def reuses_huge(self, mapping: Mapping, frames: Frames, block: Ints) -> Bools:
        """Tell which blocks mapped by one entry a write may reuse whole: do_huge_pmd_wp_page()."""
        answer = np.zeros(len(mapping.huge), np.bool_)
        for one in np.unique(block).tolist():
            frame = mapping.frame[one * HUGE_PAGES : (one + 1) * HUGE_PAGES]
            if (frame != NONE).all():
                lone = bool(frames.exclusive[frame].all() or frames.mapcount[frame].max() == 1)
                answer[one] = lone
        return answer[block]
