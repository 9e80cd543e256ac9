# SPDX-License-Identifier: Apache-2.0
"""What is open besides writes: answers of waits, and who was there first."""

from __future__ import annotations

from typing import Any

from tests.replay.simulator.rebuilt import Rebuilt


def test_a_wait_for_any_may_report_any() -> None:
    """Of those that may have ended by then."""
    told = Rebuilt("actors: {p: [{fork: a}, {fork: b}, {wait: any}, {wait: any}], a: , b: }")
    first, *rest = told.open("waits")
    assert first["may_report"] == ["a", "b"]
    assert first["reported"] in {"a", "b"}
    assert first["may_find_none"] is False
    assert rest == []


def test_the_first_of_sure_zombies_is_reported() -> None:
    """The kernel goes through the children in the order of their creation."""
    told = Rebuilt("""
actors:
  p:
    - fork: a
    - fork: b
    - waitid: {for: a, options: [EXITED, NOWAIT]}
    - waitid: {for: b, options: [EXITED, NOWAIT]}
    - wait: any
    - wait: any
  a: []
  b: []
""")
    assert told.open("waits") == []
    results = [row["result"] for row in told.rows("wait", syscall=61)]
    assert results == [told.pid("a"), told.pid("b")]


def test_who_ends_first_is_open() -> None:
    """A child beside its parent."""
    (entry,) = Rebuilt("actors: {p: [{fork: c}], c: }").open("orphans")
    assert entry == {"child": "c", "parent": "p", "may_be_unheard": False}
    ordered = "actors: {p: [{fork: c}, {waitid: {for: c, options: [EXITED, NOWAIT]}}], c: }"
    assert Rebuilt(ordered).open("orphans") == []


def test_a_wait_for_ignored_children_comes_after_their_ends() -> None:
    """It sleeps until there is none, though it reports none; a poll does not."""
    text = "actors: {p: [{ignore: CHLD}, {fork: c}, {wait: all}], c: }"
    for seed in range(4):
        assert Rebuilt(text, seed=seed).open("orphans") == []
    polls = text.replace("wait: all", "wait: {for: any, options: [NOHANG]}")
    assert Rebuilt(polls).open("orphans") != []


def test_it_is_written_into_the_trace() -> None:
    """A row for each, and what no simulation can know in the metadata."""
    told = Rebuilt("""
regions: {r: {pages: 3}, h: {pages: 9, thp: true}, f: {pages: 2, kind: shared file}}
actors:
  p: [{map: r}, {write: r}, {fork: c}, {write: r}, {fork: d}, {wait: any}]
  c: []
  d: []
""")
    rows = [(row["what"], row["actor"], row["others"]) for row in told.rows("open")]
    assert (1, b"", b"p\0") in rows
    assert (2, b"p", b"c\0d\0") in rows
    assert any(what == 3 and actor == b"p" for what, actor, _ in rows)
    (writes,) = told.rows("open", what=1)
    assert (writes["region"], writes["pages"], writes["permitted"]) == (b"r", 3, b"c\0r\0")
    metadata: dict[str, Any] = dict(told.trace.metadata)
    found = {limit["what"] for limit in metadata["simulation"]["limits"]}
    assert found <= {"transient_reference", "huge_page", "fault_around"}
    assert found >= {"huge_page", "fault_around"}
    names = {row["name"]: row["tid"] for row in told.rows("actor")}
    assert names == {b"p": told.pid("p"), b"c": told.pid("c"), b"d": told.pid("d")}
