# SPDX-License-Identifier: Apache-2.0
"""Compares what became of processes that ended: who waited for them, and who was their last parent.

The kernel leaves open which of several children a wait reports, not how many of them.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from replay.compare.account import NOBODY, Fate
from replay.compare.align import translated
from replay.compare.difference import BY_ORDER, Difference, Doubt, What, called, difference, said_as

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.compare.account import Account, Member
    from replay.compare.align import Alignment
    from replay.compare.freedom import Freedom

_NOT_REAPED: Final = frozenset({Fate.NEVER, Fate.OUTSIDE})
_INIT: Final = "the first process of fork.py stands for init, which it is not here"
_AFTERWARDS: Final = "its parent ended after the last of the actions"


class Reaping:
    """Goes through all pairs of members."""

    def __init__(
        self, accounts: tuple[Account, Account], alignment: Alignment, freedom: Freedom
    ) -> None:
        self._actual, self._expected = accounts
        self._to_expected = alignment.to_expected
        self._freedom = freedom

    def differences(self) -> Iterator[Difference]:
        """Give all differences, in no order."""
        for left, right in self._to_expected.items():
            one, other = self._actual.members[left], self._expected.members[right]
            yield from self._fate(one, other, right)
            yield from self._guardian(one, other, right)
        yield from self._counts()

    def _fate(self, one: Member, other: Member, right: int) -> Iterator[Difference]:
        why = self._why(one, other, right)
        here, there = self._actual.loss.tree, self._expected.loss.tree
        unsure = one.unsure | other.unsure
        if other.fate is not None and one.fate is not other.fate:
            # A wait that was recorded is one; without one, it may be lost.
            lost = (here and one.fate is not Fate.REAPED) or (
                there and other.fate is not Fate.REAPED
            )
            lost = lost or one.fate is None or "fate" in unsure
            said = said_as(one.fate), said_as(other.fate)
            yield difference(What.FATE, one, said, one.ended_ns, Doubt(lost, why))
        elif other.fate is Fate.REAPED and self._differ(one.reaper, other.reaper):
            said = called(self._actual, one.reaper), called(self._expected, other.reaper)
            doubt = Doubt("reaper" in unsure, why)
            yield difference(What.REAPER, one, said, one.ended_ns, doubt)

    def _guardian(self, one: Member, other: Member, right: int) -> Iterator[Difference]:
        moved = one.guardian != one.parent or other.guardian != other.parent
        if not moved or not self._differ(one.guardian, other.guardian):
            return
        why = self._why(one, other, right)
        if not why and {one.fate, other.fate} <= {Fate.RUNNING}:
            why = BY_ORDER if right in self._freedom.orphans else ""
        said = called(self._actual, one.guardian), called(self._expected, other.guardian)
        lost = "guardian" in one.unsure | other.unsure or self._actual.loss.tree
        doubt = Doubt(lost or self._expected.loss.tree, why)
        yield difference(What.GUARDIAN, one, said, one.ended_ns, doubt)

    def _differ(self, actual: int | None, expected: int | None) -> bool:
        return expected is not None and translated(self._to_expected, actual) != expected

    def _why(self, one: Member, other: Member, right: int) -> str:
        """Say why another fate than the expected one is permitted; empty where it is not."""
        if self._freedom.init is not None and one.guardian == NOBODY:
            if other.guardian == self._freedom.init:
                return _INIT
            if self._ended_afterwards(other.guardian):
                return _AFTERWARDS
        if right in self._freedom.orphans:
            return BY_ORDER
        reapers = self._freedom.waiters.get(right, set())
        allowed = {translated(self._to_expected, one.reaper), other.reaper} - {None, NOBODY}
        fates = {one.fate, other.fate} - _NOT_REAPED
        return BY_ORDER if reapers and allowed <= reapers and fates <= {Fate.REAPED} else ""

    def _ended_afterwards(self, guardian: int | None) -> bool:
        """Tell whether an expected parent ended later than all that are expected to."""
        ended = {
            right: self._actual.members[left].ended_ns for left, right in self._to_expected.items()
        }
        last = max((ended.get(at, 0) for at in self._freedom.exits), default=0)
        return guardian in ended and ended[guardian] > last

    def _counts(self) -> Iterator[Difference]:
        """See that those whose waits are open report as many children as expected."""
        free = {by for waiters in self._freedom.waiters.values() for by in waiters}
        if not free:
            return
        here, there = self._reaped()
        adopted = Counter(
            by
            for child in self._freedom.orphans
            for by in {here.get(child, NOBODY), there.get(child, NOBODY)}
            if by != self._expected.members[child].parent
        )
        counts = Counter(here.values()), Counter(there.values())
        to_actual = {right: left for left, right in self._to_expected.items()}
        for by in sorted(free & to_actual.keys()):
            apart = abs(counts[0][by] - counts[1][by])
            if apart > self._freedom.polls[by] + adopted[by]:
                said = str(counts[0][by]), str(counts[1][by])
                one = self._actual.members[to_actual[by]]
                lost = self._actual.loss.tree or self._expected.loss.tree
                yield difference(What.CHILDREN, one, said, one.ended_ns, Doubt(lost))

    def _reaped(self) -> tuple[dict[int, int], dict[int, int]]:
        """Give who waited for whom on both sides, by numbers of expected members."""
        here, there = dict[int, int](), dict[int, int]()
        for left, right in self._to_expected.items():
            one, other = self._actual.members[left], self._expected.members[right]
            by = translated(self._to_expected, one.reaper)
            if one.fate is Fate.REAPED and by is not None:
                here[right] = by
            if other.fate is Fate.REAPED and other.reaper is not None:
                there[right] = other.reaper
        return here, there
