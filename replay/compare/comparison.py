# SPDX-License-Identifier: Apache-2.0
"""Two accounts, compared: what is not equal, what explains it, and the first that nothing does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from replay.compare.align import Alignment
from replay.compare.difference import TOLERATED, Difference, Sureness, What
from replay.compare.freedom import Freedom
from replay.compare.lives import Lives
from replay.compare.pages import PageRow, Pages
from replay.compare.reaping import Reaping
from replay.compare.sums import sums
from replay.compare.tolerance import Tolerance, covered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.compare.account import Account


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

    @property
    def outcome(self) -> Outcome:
        """Equal, different or undecided."""
        if any(one.sureness is Sureness.CERTAIN for one in self.differences):
            return Outcome.DIFFERENT
        if self.differences or self.actual.loss.why or self.expected.loss.why:
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
    )


def _order(one: Difference) -> tuple[int, int, str, str]:
    return one.at_ns, list(What).index(one.what), one.subject, one.figure


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
