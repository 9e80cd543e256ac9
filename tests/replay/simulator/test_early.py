# SPDX-License-Identifier: Apache-2.0
"""Threads that are ended on their way."""

from __future__ import annotations

from replay.simulator.early import created_by, touched_most
from tests.replay.simulator.rebuilt import Rebuilt
from tests.replay.simulator.told import planned


def test_what_a_thread_may_still_do() -> None:
    """Create processes, which create others; touch memory; wait."""
    text = """
regions: {r: {pages: 4}}
actors:
  p: [{map: r}, {thread: t}, {exit: 0}]
  t: [{fork: a}, {write: r}, {wait: a}, {exit_thread: 0}]
  a: [{fork: b}]
  b: []
"""
    for seed in range(6):
        told = Rebuilt(text, seed=seed)
        (ended,) = told.open("ended")
        assert ended == {"process": "p", "may_create": ["a", "b"], "may_end": False}
        (figures,) = told.open("figures")
        assert (figures["region"], figures["pages"]) == ("r", 8)


def test_what_is_done_by_then_is_certain() -> None:
    """After a barrier that both came to."""
    text = """
regions: {r: {pages: 4}}
actors:
  p: [{map: r}, {thread: t}, {barrier: b}, {exit: 0}]
  t: [{fork: a}, {write: r}, {barrier: b}, {exit_thread: 0}]
  a: []
"""
    for seed in range(6):
        told = Rebuilt(text, seed=seed)
        assert told.open("ended") == []
        assert told.open("figures") == []


def test_two_that_end_the_process() -> None:
    """How it ends is open, and whatever it does."""
    text = "actors: {p: [{thread: t}, {fork: a}, {exit: 1}], t: [{exit: 2}], a: }"
    found = Rebuilt(text).open("ended")
    assert {one["may_end"] for one in found} == {True}
    assert {name for one in found for name in one["may_create"]} >= {"a"}


def test_threads_that_end_alone() -> None:
    """The status is that of the leader, or of whoever is the last."""
    alone = "actors: {p: [{thread: t}, {exit_thread: 6}], t: [{exit_thread: 7}]}"
    (ended,) = Rebuilt(alone).open("ended")
    assert ended == {"process": "p", "may_create": [], "may_end": True}
    assert Rebuilt(alone.replace("thread: 7", "thread: 6")).open("ended") == []
    assert Rebuilt(alone.replace("exit_thread: 6", "exit: 6")).open("ended") == []


def test_an_exec_ends_the_other_threads() -> None:
    """Those of the new image come after it."""
    text = """
actors:
  p: [{thread: t}, {exec: q}]
  t: [{fork: a}, {exit_thread: 0}]
  q: [{thread: u}, {barrier: b}, {exit: 0}]
  u: [{fork: c}, {barrier: b}, pause]
  a: []
  c: []
"""
    names = [name for one in Rebuilt(text).open("ended") for name in one["may_create"]]
    assert set(names) == {"a"}


def test_children_of_who_may_not_come_to_wait() -> None:
    """And of a process of which a thread may come to ignore them."""
    text = "actors: {p: [{thread: t}, {fork: a}, {exit: 0}], t: [THIS, {exit_thread: 0}], a: }"
    for what in ("{wait: any}", "{ignore: CHLD}"):
        (entry,) = Rebuilt(text.replace("THIS", what)).open("orphans")
        assert entry == {"child": "a", "parent": "p", "may_be_unheard": True}


def test_bounds_and_creations() -> None:
    """By the plan, whatever is done of it."""
    plan = planned("""
regions: {r: {pages: 4}, s: {pages: 7}}
actors:
  p: [{map: r}, {write: {region: r, count: 3}}, {read: r}, {fork: a}]
  a: [{exec: q}]
  q: [{fork: b}]
  b: []
""")
    assert touched_most(plan) == [4 + 3 + 4, 7]
    names = [plan.actors[at].name for at in created_by(plan, plan.actors[0].operations)]
    assert "b" in names
    assert created_by(plan, []) == ()
