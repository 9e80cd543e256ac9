# SPDX-License-Identifier: Apache-2.0
"""Two accounts, compared: what is not equal, what explains it, and the first that nothing does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from replay.compare.align import Alignment
from replay.compare.cast import EVERYWHERE
from replay.compare.difference import TOLERATED, Difference, Sureness, What
from replay.compare.figures import PAGE_FIGURES
from replay.compare.freedom import Freedom
from replay.compare.lives import Lives
from replay.compare.pages import PageRow, Pages, unknown_regions
from replay.compare.reaping import Reaping
from replay.compare.sums import NO_CHILD, PROCESSES, THREADS, sums
from replay.compare.tolerance import Tolerance, covered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.compare.account import Account
    from replay.compare.sources import Expected


_PLACES: Final = {what: place for place, what in enumerate(What)}


class Outcome(Enum):
    """What a comparison came to; the value is the exit status."""

    EQUAL = 0
    DIFFERENT = 1
    UNDECIDED = 3
    """Nothing is different for certain, but something was lost."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that a report shows."""

    actual: Account
    expected: Account
    alignment: Alignment
    differences: tuple[Difference, ...]
    """Those that nothing explains, in order of time."""
    permitted: tuple[Difference, ...]
    """What is otherwise than it was simulated, and may be."""
    pages: tuple[PageRow, ...]
    undecided: tuple[str, ...]
    """Why a part of what is expected could not be compared."""
    notes: tuple[str, ...] = ()
    """What else a reader should know, such as that these are runs of two scenarios."""

    def figures(self) -> set[str]:
        """Name all figures that a tolerance may be about."""
        found = {PROCESSES, THREADS, NO_CHILD, *PAGE_FIGURES}
        for account in (self.actual, self.expected):
            found |= sums(account).keys()
        regions = {row.place.region for row in self.pages}
        found |= {f"{region}/{figure}" for region in regions for figure in PAGE_FIGURES}
        for place in {row.place for row in self.pages}:
            label = self.expected.members[place.member].label
            found |= {f"{label}/{place.region}/{figure}" for figure in PAGE_FIGURES}
        return found

    @property
    def outcome(self) -> Outcome:
        """Equal, different or undecided."""
        if any(one.sureness is Sureness.CERTAIN for one in self.differences):
            return Outcome.DIFFERENT
        if self.differences or self.undecided:
            return Outcome.UNDECIDED
        return Outcome.EQUAL

    @property
    def first(self) -> Difference | None:
        """The first difference, one that is certain where there is one."""
        certain = [one for one in self.differences if one.sureness is Sureness.CERTAIN]
        return next(iter(certain or self.differences), None)


def compare(
    actual: Account,
    expected: Account,
    freedom: Freedom | None = None,
    tolerances: tuple[Tolerance, ...] = (),
) -> Comparison:
    """Compare; `freedom` is what the scenario leaves open, by the expected members."""
    alignment = Alignment(actual, expected)
    accounts, free = (actual, expected), freedom or Freedom()
    pages = Pages(accounts, alignment, free, tolerances)
    found = [
        *Lives(accounts, alignment, free, tolerances).differences(),
        *Reaping(accounts, alignment, free).differences(),
        *pages.differences(),
        *_figures(actual, expected, tolerances),
    ]
    found.sort(key=_order)
    return Comparison(
        actual,
        expected,
        alignment,
        tuple(one for one in found if one.sureness is not Sureness.PERMITTED),
        tuple(one for one in found if one.sureness is Sureness.PERMITTED),
        tuple(pages.rows()),
        tuple(_undecided(actual, expected)),
    )


def compare_with(
    actual: Account, expected: Expected, tolerances: tuple[Tolerance, ...] = ()
) -> Comparison:
    """Compare with what was read or simulated, and what came with it."""
    given = (*expected.tolerances, *tolerances)
    found = compare(actual, expected.account, expected.freedom, given)
    return replace(found, notes=expected.notes)


def _undecided(actual: Account, expected: Account) -> Iterator[str]:
    for which, account in (("ACTUAL", actual), ("EXPECTED", expected)):
        if account.loss.why:
            yield f"of {which} {account.loss.why}"
    regions = unknown_regions(actual, expected)
    if regions:
        names = ", ".join(regions[:5]) + ", …" * (len(regions) > 5)
        what = "all memory" if regions == [EVERYWHERE] else f"region {names}"
        why = "says nothing of page faults" if actual.pages is None else "does not say where it is"
        yield f"figures of {what} are expected, and ACTUAL {why}"


def _order(one: Difference) -> tuple[int, int]:
    return one.at_ns, _PLACES[one.what]


def _figures(
    actual: Account, expected: Account, tolerances: tuple[Tolerance, ...]
) -> Iterator[Difference]:
    """Compare sums that an expectation states; those of traces follow from the members."""
    if expected.figures is None:
        return
    here = sums(actual)
    for name, value in expected.figures.items():
        found = here.get(name, 0)
        if found == value:
            continue
        near = covered(tolerances, (name,), found, value)
        lost = actual.loss.tree and found < value
        sureness = Sureness.LOSS if lost else Sureness.CERTAIN
        yield Difference(
            What.FIGURE, "", f"{found:,}", f"{value:,}",
            Sureness.PERMITTED if near else sureness, 0, name,
            TOLERATED if near else "",
        )  # fmt: skip
