# SPDX-License-Identifier: Apache-2.0
"""Races in which all figures of a region are open."""

from __future__ import annotations

import pytest

from replay.simulator.uses import MOST_USES
from tests.replay.simulator.rebuilt import Rebuilt

THREADS = """
regions: {{r: {{pages: 40}}, s: {{pages: 40, kind: shared anonymous}}, h: {{pages: 99, thp: true}}}}
actors:
  p: [{{map: r}}, {{map: s}}, {{map: h}}, {{write: h}}, {{thread: t}}, {one}, {{barrier: b}}, {two}]
  t: [{three}, {{barrier: b}}, pause]
  d: []
"""


def open_regions(one: str, two: str, three: str) -> list[str]:
    """Give the regions that are open; the thread does the third, and the second comes after it."""
    text = THREADS.format(one=one, two=two, three=three)
    return [entry["region"] for entry in Rebuilt(text).open("figures")]


READ = "{read: {region: r, count: 20}}"
WRITE = "{write: {region: r, count: 20}}"
FAR = "{write: {region: r, first: 33}}"
GONE = "{madvise: {region: r, advice: DONTNEED}}"
NOTHING = "{read: {region: r, count: 0}}"


@pytest.mark.parametrize(
    ("one", "three", "is_open"),
    [
        (READ, WRITE, True),
        (WRITE, GONE, True),
        (WRITE, "{fork: d}", True),
        (READ, READ, False),
        (WRITE, WRITE, False),
        (READ, FAR, False),
        (NOTHING, WRITE, False),
    ],
)
def test_tasks_in_one_address_space(one: str, three: str, *, is_open: bool) -> None:
    """Unless both orders come to the same, or the pages are others."""
    assert open_regions(one, NOTHING, three) == (["r"] if is_open else [])
    assert open_regions(NOTHING, one, three) == []


def test_many_uses_are_put_together() -> None:
    """Which is quick, and finds what there is to find; pages between them count, too."""
    text = """
parameters: {n: 1}
regions: {r: {pages: 900}}
actors:
  p: [{map: r}, {thread: t}, {repeat: {times: $n, steps: [THIS]}}, {barrier: b}]
  t: [{repeat: {times: $n, steps: [{write: {region: r, first: 700}}]}}, {barrier: b}, pause]
"""
    times = f"n={40 * MOST_USES}"
    for what, is_open in (
        ("{write: r}", False),
        ("{read: {region: r, count: 600}}", False),
        ("{read: {region: r, count: 800}}", True),
        ("{read: {region: r, count: 2, step: 899}}", True),
    ):
        found = Rebuilt(text.replace("THIS", what), times).open("figures")
        assert bool(found) is is_open


def test_what_a_read_finds_in_the_page_cache() -> None:
    """Of shared memory; files are there before the first actor runs."""
    text = """
regions: {{r: {{pages: 40, kind: {kind}}}}}
actors:
  p: [{{map: r}}, {{fork: c}}, {{read: r}}, {{wait: c}}]
  c: [{{write: {{region: r, first: 3, count: 1}}}}]
"""
    (entry,) = Rebuilt(text.format(kind="shared anonymous")).open("figures")
    assert (entry["spaces"], entry["pages"]) == (["p", "c"], 40 + 40 + 1)
    assert Rebuilt(text.format(kind="shared file")).open("figures") == []
    writes = text.replace("read: r", "write: r")
    assert Rebuilt(writes.format(kind="shared anonymous")).open("figures") == []


def test_who_splits_a_huge_page() -> None:
    """Two that write it at once, or one that ends beside a write; each has another block else."""
    text = """
regions: {r: {pages: 1024, thp: true}}
actors:
  p: [{map: r}, {write: r}, {fork: c}, {write: {region: r, count: 1}}, {barrier: b}, {wait: c}]
  c: [{write: {region: r, first: 9, count: 1}}, {barrier: b}]
"""
    assert [one["region"] for one in Rebuilt(text).open("figures")] == ["r"]
    assert Rebuilt(text.replace("first: 9", "first: 600")).open("figures") == []
    ends = text.replace("{write: {region: r, first: 9, count: 1}}, {barrier: b}", "").replace(
        "{barrier: b}, ", ""
    )
    assert [one["region"] for one in Rebuilt(ends).open("figures")] == ["r"]


def test_whoever_came_to_the_memory_by_fork_is_concerned() -> None:
    """Its figures follow from those of the others."""
    text = """
regions: {r: {pages: 40}}
actors:
  p: [{map: r}, {thread: t}, {write: r}, {barrier: b}, {fork: c}, {wait: c}]
  t: [{read: r}, {barrier: b}, pause]
  c: [{write: r}]
"""
    (entry,) = Rebuilt(text).open("figures")
    assert entry["spaces"] == ["p", "c"]


def test_what_may_not_be_mapped_ends_processes() -> None:
    """One that leaves pages out of forks, beside a fork."""
    text = """
regions: {r: {pages: 8}}
actors:
  p: [{map: r}, {write: r}, {thread: t}, {madvise: {region: r, advice: DONTFORK}}, {barrier: b}]
  t: [{fork: c}, {barrier: b}, pause]
  c: [{write: r}]
"""
    ended = {one["process"]: one["may_end"] for one in Rebuilt(text).open("ended")}
    assert ended["c"] is True
