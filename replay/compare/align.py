# SPDX-License-Identifier: Apache-2.0
"""Finds which process of one account is which of another.

Actors are known by their names. Where there are none, trees are laid upon each other from the
roots down: children whose whole subtrees are alike first, then those that were born and executed
alike, then those with the same program, then whoever is left in order of creation. Where little is
stated of what is expected, only that decides (`fitting.py`).
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING

from replay.compare.account import NOBODY
from replay.compare.fitting import Fitting

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from replay.compare.account import Account, Member


class Alignment:
    """Pairs of members, and who has no partner."""

    def __init__(self, actual: Account, expected: Account) -> None:
        self.to_expected: dict[int, int] = {}
        self.to_actual: dict[int, int] = {}
        self._actual, self._expected = actual, expected
        names = actual.named()
        for name, at in expected.named().items():
            if name in names:
                self._pair(names[name], at)
        self.by_name = bool(self.to_expected)
        """Actors were known by their names; those without a partner of their name have none."""
        self._by_structure()
        self.missing = [at for at in range(len(expected.members)) if at not in self.to_actual]
        """Expected members that nobody is."""
        self.extra = [at for at in range(len(actual.members)) if at not in self.to_expected]
        """Actual members that were not expected."""

    def _pair(self, actual: int, expected: int) -> None:
        self.to_expected[actual] = expected
        self.to_actual[expected] = actual

    def _by_structure(self) -> None:
        actual, expected = self._actual, self._expected
        forms: dict[Hashable, int] = {}
        keys = [_keys(account.members, forms) for account in (actual, expected)]
        fitting = Fitting(actual, expected) if expected.partial else None
        waiting = deque([(actual.roots(), expected.roots())])
        waiting += [
            (actual.members[left].children, expected.members[right].children)
            for left, right in self.to_expected.items()
        ]
        while waiting:
            here, there = waiting.popleft()
            here = [at for at in here if self._is_free(actual, at, self.to_expected)]
            there = [at for at in there if self._is_free(expected, at, self.to_actual)]
            fits = fitting.pairs(here, there) if fitting and here and there else []
            rest = _matched(*_without(here, there, fits), keys[0], keys[1])
            for left, right in [*fits, *rest]:
                self._pair(left, right)
                waiting.append((actual.members[left].children, expected.members[right].children))

    def _is_free(self, account: Account, at: int, taken: dict[int, int]) -> bool:
        return at not in taken and not (self.by_name and account.members[at].name)


def _without(
    here: list[int], there: list[int], pairs: Sequence[tuple[int, int]]
) -> tuple[list[int], list[int]]:
    left, right = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
    return [at for at in here if at not in left], [at for at in there if at not in right]


_Keys = list[tuple[int, ...]]
"""Of each member what it is known by, the most telling first."""


def _keys(members: Sequence[Member], forms: dict[Hashable, int]) -> _Keys:
    """Give whole subtrees, lives, beginnings and programs numbers that are equal where they are."""

    def number(form: Hashable) -> int:
        return forms.setdefault(form, len(forms))

    found: _Keys = [()] * len(members)
    for at in range(len(members) - 1, -1, -1):
        one = members[at]
        below = tuple(sorted(found[child][0] for child in one.children))
        life = (one.born, one.programs, one.end, one.fate, one.threads)
        program = one.programs[-1] if one.programs else one.label
        found[at] = (
            number(("subtree", life, below)),
            number(("life", life)),
            number(("begins", one.born, program)),
            number(("program", program)),
            number(("any",)),
        )
    return found


def _matched(
    here: Sequence[int], there: Sequence[int], actual: _Keys, expected: _Keys
) -> Iterable[tuple[int, int]]:
    """Pair two lists of siblings, each step those that are still alone."""
    pairs: list[tuple[int, int]] = []
    for step in range(5):
        if not here or not there:
            break
        found = _joined(here, there, actual, expected, step)
        pairs += found
        here, there = _without(list(here), list(there), found)
    return pairs


def _joined(
    here: Sequence[int], there: Sequence[int], actual: _Keys, expected: _Keys, step: int
) -> list[tuple[int, int]]:
    free: defaultdict[int, deque[int]] = defaultdict(deque)
    for at in there:
        free[expected[at][step]].append(at)
    found = []
    for at in here:
        waiting = free.get(actual[at][step])
        if waiting:
            found.append((at, waiting.popleft()))
    return found


def translated(members: dict[int, int], number: int | None) -> int | None:
    """Give the partner of a member; NOBODY stays NOBODY, and one without a partner is None."""
    if number is None or number == NOBODY:
        return number
    return members.get(number)
