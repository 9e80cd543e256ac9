# SPDX-License-Identifier: Apache-2.0
"""What all processes did together."""

from __future__ import annotations

from replay.compare.account import NOBODY, Account, Fate, Member
from replay.compare.sums import in_order, is_sum, sums
from tests.replay.compare.runs import FAMILY, account


def test_sums_of_a_trace() -> None:
    """In the order in which they are shown."""
    assert list(sums(account(FAMILY)).items()) == [
        ("processes", 3), ("created by fork", 2), ("threads", 0), ("execs", 1), ("exit 0", 1),
        ("exit 3", 1), ("exit 5", 1), ("waited for", 2), ("left to others", 1),
        ("waits that found nobody", 0),
    ]  # fmt: skip


def test_what_is_stated_of_each_counts() -> None:
    """Of an expectation, and what it states itself goes before."""
    members = [
        Member("a", "a", NOBODY, end="exit 1", fate=Fate.NEVER),
        Member("b", "b", 0, end="exit 2"),
    ]
    expected = Account("x", members, figures={"execs": 4}, partial=True)
    assert sums(expected) == {"processes": 2, "execs": 4, "exit 1": 1, "exit 2": 1}
    expected.figures = {"processes": 7}
    assert sums(expected)["processes"] == 7
    expected.whole = False
    assert sums(expected) == {"processes": 7}


def test_names_of_figures() -> None:
    """Known ones, and their order."""
    assert all(is_sum(name) for name in sums(account(FAMILY)))
    assert is_sum("SIGKILL")
    assert is_sum("failed clone EINVAL")
    assert not is_sum("copied")
    assert in_order(["exit 10", "exit 9", "processes"]) == ["processes", "exit 9", "exit 10"]
