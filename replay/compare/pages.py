# SPDX-License-Identifier: Apache-2.0
"""Compares what happened to the pages of each region, in each address space.

A region is compared where both accounts know its place; all other memory (of the dynamic loader,
of the C library, stacks) is no part of a scenario, and is only shown.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from replay.compare.account import PageFigures, Place
from replay.compare.cast import EVERYWHERE
from replay.compare.difference import SURE, Difference, Sureness, What
from replay.compare.page_doubts import PageDoubts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.compare.account import Account
    from replay.compare.align import Alignment
    from replay.compare.freedom import Freedom
    from replay.compare.tolerance import Tolerance


@dataclass(frozen=True, slots=True)
class PageRow:
    """A figure of a place on both sides."""

    place: Place
    """With the number of the expected member."""
    figure: str
    actual: int
    expected: int
    explained: str
    """Why it may be so; empty where they are equal, or where nothing explains it."""
    unsure: bool
    """Whether records that were lost may be all that differs."""
    compared: bool
    """Figures of all memory are only shown, unless an expectation states them."""

    @property
    def differs(self) -> bool:
        """Whether nothing explains that they are not equal."""
        return self.compared and self.actual != self.expected and not self.explained


class Pages:
    """The figures of all places, side by side."""

    def __init__(
        self,
        accounts: tuple[Account, Account],
        alignment: Alignment,
        freedom: Freedom,
        tolerances: tuple[Tolerance, ...],
    ) -> None:
        self._actual, self._expected = accounts
        self._alignment = alignment
        self.regions = _common(*accounts)
        self._here = self._translated(self._actual.pages or PageFigures())
        self._there = self._expected.pages or PageFigures()
        lossy = self._actual.loss.pages or self._expected.loss.pages
        labels = [member.label for member in self._expected.members]
        figures = self._here, self._there
        self._doubts = PageDoubts(figures, freedom, tolerances, labels, lossy=lossy)

    def _translated(self, figures: PageFigures) -> PageFigures:
        """Give the actual figures by the numbers of expected members."""
        found, there = PageFigures(), self._alignment.to_expected
        for place, counts in figures.counts.items():
            if place.member in there:
                found.counts[Place(there[place.member], place.region)] = counts
        for place, count in figures.alone.items():
            if place.member in there:
                found.alone[Place(there[place.member], place.region)] = count
        for (place, figure), first_ns in figures.first_ns.items():
            if place.member in there:
                found.first_ns[Place(there[place.member], place.region), figure] = first_ns
        return found

    def rows(self) -> Iterator[PageRow]:
        """Give every figure that is not 0 on both sides, in order of members and regions."""
        places = {*self._here.counts, *self._there.counts}
        for place in sorted(place for place in places if place.region in self.regions):
            here = self._here.counts.get(place, Counter())
            there = self._there.counts.get(place, Counter())
            stated = set(there) if self._expected.partial else {*here, *there}
            for figure in sorted(stated):
                yield self._row(place, figure, here[figure], there[figure])

    def _row(self, place: Place, figure: str, actual: int, expected: int) -> PageRow:
        compared = place.region != EVERYWHERE or self._expected.partial
        there = place.member in self._alignment.to_actual
        doubt = self._doubts.about(place, figure, actual, expected) if compared else SURE
        return PageRow(place, figure, actual, expected, doubt.why, doubt.lost, compared and there)

    def differences(self) -> Iterator[Difference]:
        """Give the figures that are not equal, of the processes that are there."""
        for row in self.rows():
            member = self._alignment.to_actual.get(row.place.member)
            if row.actual == row.expected or not row.compared or member is None:
                continue
            at_ns = self._here.first_ns.get((row.place, row.figure), 0)
            figure = f"{row.place.region}/{row.figure}"
            sureness = Sureness.LOSS if row.unsure else Sureness.CERTAIN
            yield Difference(
                What.PAGES, self._expected.members[row.place.member].label, f"{row.actual:,}",
                f"{row.expected:,}", Sureness.PERMITTED if row.explained else sureness,
                at_ns or self._actual.members[member].born_ns, figure, row.explained,
            )  # fmt: skip


def unknown_regions(actual: Account, expected: Account) -> list[str]:
    """Name the regions with expected figures of which the actual trace knows nothing."""
    if expected.pages is None:
        return []
    stated = dict.fromkeys(place.region for place in expected.pages.counts)
    return [name for name in stated if name != EVERYWHERE or expected.partial
            if name not in (actual.regions or ())]  # fmt: skip


def _common(actual: Account, expected: Account) -> frozenset[str]:
    """Give the regions that both sides know."""
    if actual.regions is None or expected.regions is None:
        return frozenset()
    if actual.pages is None or expected.pages is None:
        return frozenset()
    return frozenset(actual.regions) & frozenset(expected.regions)
