# SPDX-License-Identifier: Apache-2.0
"""Who may be whom where only a part is stated."""

from __future__ import annotations

from replay.compare import fitting
from replay.compare.account import NOBODY, Account, Member, link
from replay.compare.fitting import Fitting


def member(parent: int, **stated: object) -> Member:
    """Give a member of which this is known."""
    found = Member("", "sh", parent)
    for name, value in stated.items():
        setattr(found, name, value)
    return found


def pairs(actual: list[Member], expected: list[Member], *, whole: bool = True) -> dict[int, int]:
    """Give the partners of the expected children of the first member."""
    link(actual)
    link(expected)
    accounts = Account("a", actual), Account("e", expected, partial=True, whole=whole)
    found = Fitting(*accounts).pairs(actual[0].children, expected[0].children)
    return {right: left for left, right in found}


def test_what_is_not_stated_is_left_to_others() -> None:
    """The one that states an end takes it, though it stands behind."""
    actual = [member(NOBODY), member(0, end="exit 3"), member(0, end="exit 0")]
    expected = [member(NOBODY), member(0), member(0, end="exit 3")]
    assert pairs(actual, expected) == {1: 2, 2: 1}


def test_as_many_as_possible_fit() -> None:
    """Each takes who nobody else can do with."""
    lives = [("fork", "exit 1"), ("fork", "exit 2"), ("vfork", "exit 1")]
    actual = [member(NOBODY), *(member(0, born=born, end=end) for born, end in lives)]
    expected = [member(NOBODY), member(0, end="exit 1"), member(0, born="fork"),
                member(0, born="fork", end="exit 1")]  # fmt: skip
    assert pairs(actual, expected) == {1: 3, 2: 2, 3: 1}


def test_children_have_to_fit_too() -> None:
    """Else only the process itself decides."""
    actual = [member(NOBODY), member(0), member(0), member(1, end="exit 1"),
              member(2, end="exit 2")]  # fmt: skip
    expected = [member(NOBODY), member(0), member(1, end="exit 2")]
    assert pairs(actual, expected, whole=False) == {1: 2}
    expected = [member(NOBODY), member(0), member(1, end="exit 9")]
    assert pairs(actual, expected) == {1: 1}


def test_moved_children_are_told_from_others() -> None:
    """By whether their last parent is another one."""
    actual = [member(NOBODY), member(0), member(0), member(1, guardian=1), member(2, guardian=0)]
    expected = [member(NOBODY), member(0), member(1, guardian=0)]
    assert pairs(actual, expected, whole=False) == {1: 2}


def test_too_many_siblings_are_not_tried() -> None:
    """They are left to the other ways of pairing."""
    many = fitting.MOST_PAIRS + 1
    assert Fitting(Account("a", []), Account("e", [])).pairs(range(many), range(1)) == []
