# SPDX-License-Identifier: Apache-2.0
"""Why a figure of pages may be another one than expected."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from replay.compare.difference import BY_ORDER, SURE, TOLERATED, Doubt
from replay.compare.figures import BY_CHANCE, COPIED, REUSED
from replay.compare.freedom import COPY, REUSE, Freedom, Span
from replay.compare.tolerance import covered
from replay.memory.classes import FaultClass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from replay.compare.account import PageFigures, Place
    from replay.compare.tolerance import Tolerance

_LETTERS: Final = {COPIED: COPY, REUSED: REUSE}
_HELD: Final = "something else held a reference, as the LRU batch of another CPU does"
_CHANCE: Final = "it depends on what other CPUs do at that moment"
_LOST: Final = Doubt(lost=True)


class PageDoubts:
    """Judges single figures by those of the same place, and of the same region everywhere."""

    def __init__(
        self,
        figures: tuple[PageFigures, PageFigures],
        freedom: Freedom,
        tolerances: tuple[Tolerance, ...],
        labels: Sequence[str],
        *,
        lossy: bool,
    ) -> None:
        """`figures` are the actual and the expected ones, both by numbers of expected members."""
        self._here, self._there = figures
        self._freedom, self._tolerances = freedom, tolerances
        self._labels, self._lossy = labels, lossy
        self._sums = _by_region(self._here), _by_region(self._there)
        self._spans: dict[tuple[str, str, int | None], Span] = {}
        self._alone = Counter[str]()
        for place, count in self._here.alone.items():
            self._alone[place.region] += count
        self._loose = Counter[str]()
        for place, count in freedom.undetermined.items():
            self._loose[place.region] += count

    def about(self, place: Place, figure: str, actual: int, expected: int) -> Doubt:
        """Say what a difference may be due to; nothing where there is none."""
        if actual == expected:
            return SURE
        region, label = place.region, self._labels[place.member]
        names = (figure, f"{region}/{figure}", f"{label}/{region}/{figure}")
        if covered(self._tolerances, names, actual, expected):
            return Doubt(why=TOLERATED)
        if figure in BY_CHANCE:
            return Doubt(why=_CHANCE)
        why = self._by_order(place, figure, actual - expected)
        if why:
            return Doubt(why=why)
        # A fault whose class is not known may be one of those that are missing.
        here = self._here.counts.get(place, Counter[str]())
        unknown = here[FaultClass.UNKNOWN.value]
        return _LOST if self._lossy or 0 < expected - actual <= unknown else SURE

    def _by_order(self, place: Place, figure: str, apart: int) -> str:
        if 0 < abs(apart) <= self._freedom.anything[place]:
            return BY_ORDER
        if figure not in _LETTERS:
            return ""
        return self._copied_or_reused(place, figure, apart)

    def _copied_or_reused(self, place: Place, figure: str, apart: int) -> str:
        """Say why there may be more or fewer of one, as far as all of them make sense together."""
        loose, all_loose = self._freedom.undetermined[place], self._loose[place.region]
        together = self._span(place.region, COPY + REUSE, place.member)
        if not _within(self._both(place), _widened(together, loose)):
            return ""
        span = _widened(self._span(place.region, _LETTERS[figure], place.member), loose)
        whole = _widened(self._span(place.region, _LETTERS[figure], None), all_loose)
        key = place.region, figure
        all_apart = self._sums[0][key] - self._sums[1][key]
        alone, all_alone = self._here.alone[place], self._alone[place.region]
        for extra, all_extra, why in ((0, 0, BY_ORDER), (alone, all_alone, _HELD)):
            fits = _within(apart, _wider(span, figure, extra))
            if fits and _within(all_apart, _wider(whole, figure, all_extra)):
                return why
        return ""

    def _both(self, place: Place) -> int:
        """Give how many more copies and reuses together a place has than expected."""
        here, there = (
            figures.counts.get(place, Counter[str]()) for figures in (self._here, self._there)
        )
        return sum(here[figure] - there[figure] for figure in _LETTERS)

    def _span(self, region: str, letters: str, member: int | None) -> Span:
        key = region, letters, member
        if key not in self._spans:
            self._spans[key] = self._freedom.span(*key)
        return self._spans[key]


def _by_region(figures: PageFigures) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for place, counts in figures.counts.items():
        for figure, count in counts.items():
            found[place.region, figure] += count
    return found


def _wider(span: Span, figure: str, alone: int) -> Span:
    """Allow for pages that were copied though nobody else had them."""
    if figure == COPIED:
        return Span(span.less, span.more + alone)
    return Span(span.less + alone, span.more)


def _widened(span: Span, by: int) -> Span:
    return Span(span.less + by, span.more + by)


def _within(apart: int, span: Span) -> bool:
    return -span.less <= apart <= span.more
