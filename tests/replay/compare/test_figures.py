# SPDX-License-Identifier: Apache-2.0
"""What happened to pages, counted by process and region."""

from __future__ import annotations

from replay.compare.account import Place
from replay.compare.figures import PAGE_FIGURES, page_figures
from replay.compare.from_trace import account_of
from replay.memory.history import PageHistories
from tests.replay.compare.runs import FAMILY, run


def test_places_and_what_lies_outside() -> None:
    """Of processes that take part."""
    account = account_of(run(FAMILY))
    assert account.pages is not None
    assert {place: dict(counts) for place, counts in account.pages.counts.items()} == {
        Place(0, "heap"): {"first_touch": 8, "reused": 2},
        Place(1, "heap"): {"copied": 4, "shared": 8},
        Place(2, "heap"): {"shared": 8},
    }
    assert not account.pages.elsewhere
    assert account.pages.first_ns[Place(1, "heap"), "copied"] > account.members[1].born_ns
    memory = PageHistories.from_trace(run(FAMILY))
    everybody: dict[tuple[int, int], int] = {space.process: 5 for space in memory.spaces.spaces}
    outside = page_figures(memory, (), everybody)
    assert outside.elsewhere == {"first_touch": 8, "reused": 2, "copied": 4}
    assert not outside.counts


def test_copies_of_pages_that_nobody_else_had() -> None:
    """Something held a reference."""
    trace = run(FAMILY)
    for row in trace.rows["fault"]:
        row["refcount"], row["mapcount"] = 2, 1
    account = account_of(trace)
    assert account.pages is not None
    assert dict(account.pages.alone) == {Place(1, "heap"): 4}


def test_names() -> None:
    """Ours in place of the classes' own."""
    assert {"copied", "reused", "shared", "first_touch", "huge_split"} <= set(PAGE_FIGURES)
    assert not {"copy", "reuse"} & set(PAGE_FIGURES)
