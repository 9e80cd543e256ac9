# SPDX-License-Identifier: Apache-2.0
"""Who waited for whom, and whose children they were in the end."""

from __future__ import annotations

import pytest

from replay.compare.account import NOBODY, Account, Fate, Loss, Member, link
from replay.compare.align import Alignment
from replay.compare.difference import Sureness
from replay.compare.freedom import Freedom
from replay.compare.reaping import Reaping
from tests.replay.compare.runs import compared, run, said, told

ANY = """
actors:
  p: [{fork: a}, {fork: b}, {fork: c}, {wait: any}, {wait: any}, {exit: 0}]
  a: [{barrier: go}]
  b: [{barrier: go}]
  c: [{barrier: go}]
"""


def test_which_children_are_reported_is_open_not_how_many() -> None:
    """Two of the three, whichever."""
    unreaped = set()
    for seed in range(30):
        found = compared(run(ANY, seed), run(ANY))
        assert not found.differences, said(found)
        unreaped |= {one.name for one in found.actual.members if str(one.fate) != "reaped"}
    assert len(unreaped) > 2
    one = ANY.replace("{wait: any}, {wait: any}", "{wait: any}")
    assert ("children waited for", "p", "1", "2") in said(told(one, ANY))
    three = ANY.replace("{wait: any}, {wait: any}", "{wait: any}, {wait: any}, {wait: any}")
    assert ("children waited for", "p", "3", "2") in said(told(three, ANY))


def test_a_missed_wait() -> None:
    """Where it is determined that there is one."""
    expected = "actors: {p: [{fork: a}, {wait: a}], a: }"
    actual = "actors: {p: [{fork: a}, {waitid: {for: a, options: [EXITED, NOWAIT]}}], a: }"
    assert said(told(actual, expected)) == [
        ("what became of its end", "a", "never waited", "reaped"),
        ("last parent", "a", "somebody else", "p"),
    ]


def test_who_was_first_may_be_open() -> None:
    """A child that nobody waits for, beside its parent."""
    text = "actors: {p: [{fork: a}, {wait: a}], a: [{fork: b}], b: }"
    fates = set()
    for seed in range(20):
        found = compared(run(text, seed), run(text))
        assert not found.differences
        fates.add(str(found.actual.members[2].fate))
    assert fates == {"never waited", "outside"}
    ordered = text.replace("{fork: b}], b: }", "{fork: b}, {wait: b}], b: }")
    assert said(told(ordered, text)) == []
    missed = ordered.replace("{wait: b}", "{waitid: {for: b, options: [EXITED, NOWAIT]}}")
    assert ("what became of its end", "b") in [one[:2] for one in said(told(missed, ordered))]


def test_the_wrong_reaper() -> None:
    """Where a process that is to be a subreaper is none, the next one gets the orphan."""
    text = """
actors:
  p: [{become: subreaper}, {fork: a}, {wait: all}]
  a: [{become: subreaper}, {fork: b}, {wait: b}, {barrier: go}, {wait: all}]
  b: [{fork: c}, {exit: 0}]
  c: [{barrier: go}, {exit: 4}]
"""
    assert said(told(text, text)) == []
    found = said(told(text.replace("a: [{become: subreaper}, ", "a: ["), text))
    assert ("who waited for it", "c", "p", "a") in found
    assert ("last parent", "c", "p", "a") in found


@pytest.mark.parametrize(
    ("here", "there", "sureness"),
    [(Fate.NEVER, Fate.REAPED, Sureness.LOSS), (Fate.REAPED, Fate.NEVER, Sureness.CERTAIN)],
)
def test_a_wait_that_was_recorded_is_one(here: Fate, there: Fate, sureness: Sureness) -> None:
    """Only one that is not there may have been lost."""
    sides = []
    for fate, loss in ((here, Loss(tree=True)), (there, Loss())):
        members = [Member("p", "p", NOBODY), Member("c", "c", 0, fate=fate, reaper=0)]
        link(members)
        sides.append(Account("x", members, loss=loss))
    actual, expected = sides
    alignment = Alignment(actual, expected)
    (found,) = Reaping((actual, expected), alignment, Freedom()).differences()
    assert found.sureness is sureness
