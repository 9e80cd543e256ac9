# SPDX-License-Identifier: Apache-2.0
"""Who is whom: by name, by subtree, by life, by program, by order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from replay.compare.account import NOBODY, Account, Member, link
from replay.compare.align import Alignment, translated

if TYPE_CHECKING:
    from random import Random


def tree(*parents: int, ends: dict[int, str] | None = None, names: bool = False) -> Account:
    """Give an account by the number of each member's parent."""
    members = [
        Member(f"m{at}" if names else "", "sh", parent, born="fork", programs=(),
               end=(ends or {}).get(at, "exit 0"))
        for at, parent in enumerate(parents)
    ]  # fmt: skip
    link(members)
    return Account("tree", members)


def test_names_come_first() -> None:
    """Even where another one is more alike."""
    actual = tree(NOBODY, 0, 0, ends={2: "exit 9"}, names=True)
    expected = tree(NOBODY, 0, 0, ends={1: "exit 9"}, names=True)
    assert Alignment(actual, expected).to_expected == {0: 0, 1: 1, 2: 2}
    for account, name in ((actual, "m2"), (expected, "m1")):
        account.members[1].name, account.members[2].name = name, "m1" if name == "m2" else "m2"
    assert Alignment(actual, expected).to_expected == {0: 0, 1: 2, 2: 1}
    expected.members[2].name = "other"
    found = Alignment(actual, expected)
    assert (found.by_name, found.missing, found.extra) == (True, [2], [1])


def test_alike_subtrees_are_paired_whatever_their_order() -> None:
    """One child with children, one without."""
    found = Alignment(tree(NOBODY, 0, 0, 1, 1), tree(NOBODY, 0, 0, 2, 2))
    assert found.to_expected == {0: 0, 1: 2, 2: 1, 3: 3, 4: 4}
    assert not found.by_name
    assert not found.missing
    assert not found.extra


def test_who_is_left_is_paired_by_what_is_alike() -> None:
    """The life, then the program, then the order."""
    actual, expected = (
        tree(NOBODY, 0, 0, ends={2: "exit 7"}),
        tree(NOBODY, 0, 0, ends={1: "exit 7"}),
    )
    actual.members[1].programs = ("a",)
    assert Alignment(actual, expected).to_expected == {0: 0, 1: 2, 2: 1}
    found = Alignment(tree(NOBODY, 0, 0, 0), tree(NOBODY, 0))
    assert (len(found.to_expected), len(found.extra), found.missing) == (2, 2, [])


@given(st.lists(st.integers(0, 10**6), max_size=40), st.randoms(use_true_random=False))
def test_a_tree_with_its_siblings_in_another_order_is_the_same(
    draws: list[int], random: Random
) -> None:
    """Every member finds somebody with the same life and the same parent."""
    parents = [NOBODY, *(draw % (at + 1) for at, draw in enumerate(draws))]
    ends = {at: f"exit {draw % 3}" for at, draw in enumerate(draws, 1)}
    order = _shuffled(parents, random)
    place = {old: new for new, old in enumerate(order)}
    moved = tree(
        *(NOBODY if parents[old] == NOBODY else place[parents[old]] for old in order),
        ends={place[at]: end for at, end in ends.items()},
    )
    actual = tree(*parents, ends=ends)
    found = Alignment(actual, moved)
    assert len(found.to_expected) == len(parents)
    for left, right in found.to_expected.items():
        one, other = actual.members[left], moved.members[right]
        assert one.end == other.end
        assert translated(found.to_expected, one.parent) == other.parent


def _shuffled(parents: list[int], random: Random) -> list[int]:
    """Give another order in which parents come before their children."""
    order, free = list[int](), [0]
    while free:
        at = free.pop(random.randrange(len(free)))
        order.append(at)
        free += [child for child, parent in enumerate(parents) if parent == at]
    return order


def test_numbers_are_translated() -> None:
    """Nobody stays nobody."""
    assert [translated({3: 4}, number) for number in (3, 5, NOBODY, None)] == [
        4,
        None,
        NOBODY,
        None,
    ]
