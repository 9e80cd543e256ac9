# SPDX-License-Identifier: Apache-2.0
"""Figures of pages, side by side."""

from __future__ import annotations

from replay.compare.comparison import Outcome, compare
from replay.compare.expectation import parse_expectation
from replay.compare.from_trace import account_of
from tests.replay.compare.runs import FAMILY, compared, run, said, told


def test_all_figures_of_all_places() -> None:
    """In order of processes and regions."""
    found = told(FAMILY, FAMILY)
    label = found.expected.members
    rows = [(label[row.place.member].label, row.figure, row.actual) for row in found.pages]
    assert rows == [
        ("p", "first_touch", 8), ("p", "reused", 2), ("c", "copied", 4), ("c", "shared", 8),
        ("d", "shared", 8),
    ]  # fmt: skip
    assert not any(row.differs for row in found.pages)


def test_one_page_more_is_a_difference() -> None:
    """With the time of the first such fault."""
    more = FAMILY.replace("count: 4", "count: 5")
    found = told(more, FAMILY)
    assert said(found) == [("pages heap/copied", "c", "5", "4")]
    assert found.first is not None
    assert found.first.at_ns > 0


def test_pages_of_a_missing_process_are_no_difference_of_their_own() -> None:
    """That it is missing says it all."""
    fewer = FAMILY.replace("{fork: d}, {wait: c}, {wait: d}, ", "{wait: c}, ")
    found = told(fewer, FAMILY)
    assert [one[0] for one in said(found)] == ["missing process"]
    assert [row.compared for row in found.pages if row.place.member == 2] == [False]


def test_only_stated_figures_are_compared() -> None:
    """Of an expectation."""
    text = "expectation: 1\nprocesses: [{name: c, pages: {heap: {copied: 4}}}]\ncomplete: false\n"
    expected = parse_expectation(text, "x").account
    found = compare(account_of(run(FAMILY)), expected)
    assert [(row.figure, row.actual, row.expected) for row in found.pages] == [("copied", 4, 4)]
    assert found.outcome is Outcome.EQUAL


def test_a_trace_without_faults_leaves_pages_undecided() -> None:
    """They are expected, and not known."""
    actual = run(FAMILY)
    actual.rows["fault"] = []
    assert compared(actual, run(FAMILY)).outcome is Outcome.DIFFERENT
    actual.metadata["recording"]["faults"] = False
    found = compared(actual, run(FAMILY))
    assert found.outcome is Outcome.UNDECIDED
    assert found.undecided == (
        "figures of region heap are expected, and ACTUAL says nothing of page faults",
    )
