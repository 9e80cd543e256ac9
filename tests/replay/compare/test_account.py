# SPDX-License-Identifier: Apache-2.0
"""What two runs are compared by."""

from __future__ import annotations

from collections import Counter

from replay.compare.account import NOBODY, Account, Member, PageFigures, Place, link


def test_children_are_linked_to_their_parents() -> None:
    """In order of creation."""
    members = [Member("a", "a", NOBODY), Member("b", "b", 0), Member("", "sh", 0)]
    link(members)
    account = Account("x", members)
    assert members[0].children == [1, 2]
    assert account.roots() == [0]
    assert account.named() == {"a": 0, "b": 1}


def test_figures_of_other_places_are_added() -> None:
    """What lies outside of them stays what it was."""
    one = PageFigures({Place(0, "r"): Counter(copied=1)}, elsewhere=Counter(copied=7))
    other = PageFigures({Place(0, "*"): Counter(copied=9)}, elsewhere=Counter(copied=5))
    one.add(other)
    assert one.counts == {Place(0, "r"): Counter(copied=1), Place(0, "*"): Counter(copied=9)}
    assert one.elsewhere == Counter(copied=7)
