# SPDX-License-Identifier: Apache-2.0
"""Finds who an expected process may be where only a part of its life is stated.

An actual process fits when nothing that is stated of the expected one contradicts it, and its
children can be given to the expected children so that all of them fit, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from replay.compare.account import Account, Member

MOST_PAIRS: Final = 40_000
"""Siblings of which all pairs are tried; more are paired without looking further."""
_MOST_TRIES: Final = 400_000
"""Pairs that are looked at in all; then only the processes themselves decide."""
_DEEPEST: Final = 12
"""Generations below a process that are looked at."""
_STATED: Final = ("born", "program", "programs", "end", "fate", "threads", "thread_ends",
                  "failed_calls", "waits_without_child")  # fmt: skip


class Fitting:
    """Remembers which pairs fit."""

    def __init__(self, actual: Account, expected: Account) -> None:
        self._actual, self._expected = actual, expected
        self._known: dict[tuple[int, int], bool] = {}

    def pairs(self, here: Sequence[int], there: Sequence[int]) -> list[tuple[int, int]]:
        """Pair as many siblings as fit, with their children if possible and else without."""
        found: dict[int, int] = {}
        for depth in (0, _DEEPEST):
            left = [at for at in here if at not in found.values()]
            right = [at for at in there if at not in found]
            if left and right and len(left) * len(right) <= MOST_PAIRS:
                found |= self._matching(left, right, depth)
        return [(left, right) for right, left in found.items()]

    def _matching(self, here: Sequence[int], there: Sequence[int], depth: int) -> dict[int, int]:
        """Give the largest matching, the actual member by the expected one (Kuhn)."""
        members = self._expected.members
        stated = sorted(there, key=lambda at: -_count(members[at]))
        may_be = {
            right: [left for left in here if self._fits(left, right, depth)] for right in stated
        }
        taken: dict[int, int] = {}

        def find(right: int, seen: set[int]) -> bool:
            for left in may_be[right]:
                if left in seen:
                    continue
                seen.add(left)
                if left not in taken or find(taken[left], seen):
                    taken[left] = right
                    return True
            return False

        for right in stated:
            find(right, set())
        return {right: left for left, right in taken.items()}

    def _fits(self, left: int, right: int, depth: int) -> bool:
        if depth >= _DEEPEST or len(self._known) > _MOST_TRIES:
            return self._agree(left, right)
        known = self._known.get((left, right))
        if known is None:
            known = self._agree(left, right) and self._children_fit(left, right, depth + 1)
            self._known[left, right] = known
        return known

    def _agree(self, left: int, right: int) -> bool:
        """Tell whether nothing that is stated of one process is otherwise."""
        one, other = self._actual.members[left], self._expected.members[right]
        if other.guardian is not None and one.guardian is not None:
            moved = one.guardian != one.parent, other.guardian != other.parent
            if moved[0] != moved[1]:
                return False
        return all(
            (stated := getattr(other, name)) is None or stated == getattr(one, name)
            for name in _STATED
        )

    def _children_fit(self, left: int, right: int, depth: int) -> bool:
        here = self._actual.members[left].children
        there = self._expected.members[right].children
        if len(here) < len(there) or (self._expected.whole and len(here) > len(there)):
            return False
        if len(here) * len(there) > MOST_PAIRS:
            return True
        return not there or len(self._matching(here, there, depth)) == len(there)


def _count(member: Member) -> int:
    return sum(getattr(member, name) is not None for name in _STATED) + bool(member.children)
