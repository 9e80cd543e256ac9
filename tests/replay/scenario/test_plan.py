# SPDX-License-Identifier: Apache-2.0
"""Plans as text, and the pages that operations touch."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from replay.scenario import plan as module
from replay.scenario.plan import Code, Operation, encode_plan, touched_pages
from tests.replay.simulator.told import planned

DOCUMENT = Path(module.__file__).with_name("PLAN.md").read_text()


def test_pages_are_those_of_a_range_or_drawn() -> None:
    """In order, and a draw is the same wherever it is made."""
    assert touched_pages(Operation(Code.READ, (0, 3, 4, 2, -1, 9))).tolist() == [3, 5, 7, 9]
    drawn = touched_pages(Operation(Code.WRITE, (0, 100, 5, 1, 42, 7)))
    assert drawn.tolist() == [100 + _mix(42, at) % 7 for at in range(5)]
    assert not touched_pages(Operation(Code.READ, (0, 3, 0, 1, 5, 0))).size
    large = touched_pages(Operation(Code.WRITE, (0, 0, 20_000, 1, 1, 10)))
    assert np.bincount(large).min() > 1500


def _mix(seed: int, at: int) -> int:
    """Give SplitMix64 as PLAN.md says it, apart from the one under test."""
    mask = 2**64 - 1
    z = (seed + (at + 1) * 0x9E3779B97F4A7C15) & mask
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
    z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
    return z ^ z >> 31


def test_the_text_is_as_documented() -> None:
    """A word, eight integers, text; counts say how many lines follow."""
    text = encode_plan(planned("""
regions: {heap: {pages: 5, thp: true}, file: {pages: 6, kind: shared file}}
actors:
  p: [{fork: c}, {barrier: met}, {exec: [/bin/echo, a b, '']}]
  c: [{map: heap}, {barrier: met}, {exit: 7}]
""".replace(", ''", "")))  # fmt: skip
    assert text.splitlines() == [
        "plan 1 2 1 2 0 0 0 0 told",
        "region 0 17592186044416 5 0 0 1 0 0 heap",
        "region 1 17593261883392 6 1 1 0 0 0 file",
        "barrier 0 2 0 0 0 0 0 0 met",
        "actor 0 0 -1 3 0 0 0 0 p",
        "create 1 0 17 57 0 0 0 0 ",
        "barrier 0 0 0 0 0 0 0 0 ",
        "exec_program 2 0 0 0 0 0 0 0 ",
        "argument 9 0 0 0 0 0 0 0 /bin/echo",
        "argument 3 0 0 0 0 0 0 0 a b",
        "actor 1 1 0 3 0 0 0 0 c",
        "map 0 0 0 0 0 0 0 0 ",
        "barrier 0 0 0 0 0 0 0 0 ",
        "exit 7 0 0 0 0 0 0 0 ",
        "end 0 0 0 0 0 0 0 0 ",
    ]


def test_every_operation_is_documented() -> None:
    """In the table of PLAN.md, with the bounds."""
    words = set(re.findall(r"`([a-z_]+)`", DOCUMENT))
    assert {code.value for code in Code} <= words
    assert f"{module.MAX_ACTORS} actors" in DOCUMENT
    assert f"{module.MAX_OPERATIONS:,} operations" in DOCUMENT
    assert module.MAX_PLAN_PAGES == 2**23
