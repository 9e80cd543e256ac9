# SPDX-License-Identifier: Apache-2.0
"""How differences are made and said."""

from __future__ import annotations

from replay.compare.account import NOBODY, Account, Member
from replay.compare.difference import Doubt, Sureness, What, called, difference, said_as

MEMBER = Member("a", "a", NOBODY)


def test_how_sure_it_is() -> None:
    """What is permitted is so even where something was lost."""
    for doubt, sureness in (
        (Doubt(), Sureness.CERTAIN),
        (Doubt(lost=True), Sureness.LOSS),
        (Doubt(lost=True, why="order"), Sureness.PERMITTED),
    ):
        found = difference(What.END, MEMBER, ("exit 1", "exit 2"), 5, doubt)
        assert (found.sureness, found.why, found.at_ns) == (sureness, doubt.why, 5)


def test_values_in_words() -> None:
    """Equal ones side by side are counted."""
    assert said_as(None) == "?"
    assert said_as(()) == "none"
    assert said_as(("a", "a", "b")) == "2 × a, b"
    assert said_as("exit 3") == "exit 3"
    account = Account("x", [MEMBER])
    assert [called(account, at) for at in (0, NOBODY, None)] == [
        "a", "somebody else", "somebody else",
    ]  # fmt: skip
