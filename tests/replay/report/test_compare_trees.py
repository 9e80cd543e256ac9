# SPDX-License-Identifier: Apache-2.0
"""Both trees of a comparison."""

from __future__ import annotations

from replay.compare.comparison import Comparison, compare
from replay.compare.expectation import parse_expectation
from replay.compare.from_trace import account_of
from replay.report.compare_trees import MOST_ROWS, tree_lines
from tests.replay.compare.runs import FAMILY, run, told


def drawn(found: Comparison, width: int | None = None) -> list[str]:
    """Give the lines without their heading."""
    lines = ["".join(text for text, _ in line).rstrip() for line in tree_lines(found, width)]
    assert lines[0].split() == ["ACTUAL", "EXPECTED"]
    return lines[1:]


def against(text: str) -> Comparison:
    """Compare the family with an expectation."""
    return compare(account_of(run(FAMILY)), parse_expectation(text, "x").account)


def test_partners_stand_beside_each_other() -> None:
    """Each with what became of it, and a mark where something differs."""
    assert drawn(told(FAMILY.replace("exit: 3", "exit: 4"), FAMILY)) == [
        "=  p: exit 5                            p: exit 5",
        "!    c: fork, exit 4, waited for          c: fork, exit 3, waited for",
        "=    d: fork, true, exit 0, waited for    d: fork, true, exit 0, waited for",
    ]


def test_who_has_no_partner_stands_alone() -> None:
    """On either side, below its parent."""
    fewer = FAMILY.replace("{fork: d}, {wait: c}, {wait: d}, ", "{wait: c}, ")
    assert drawn(told(FAMILY, fewer))[2] == "!    d: fork, true, exit 0, waited for  -"
    assert drawn(told(fewer, FAMILY))[2].split()[:2] == ["!", "-"]


def test_others_are_not_marked_where_they_may_be_there() -> None:
    """By an expectation that is not complete, or has no tree."""
    assert [line[0] for line in drawn(against("expectation: 1\nfigures: {processes: 3}"))] == [
        " ", " ", " ",
    ]  # fmt: skip
    text = "expectation: 1\nprocesses: [{name: p}]\n"
    assert [line[0] for line in drawn(against(text))] == ["=", "!", "!"]
    assert [line[0] for line in drawn(against(text + "complete: false"))] == ["=", " ", " "]


def test_narrow_and_long_trees() -> None:
    """They are broken into lines, and cut at some length."""
    lines = drawn(told(FAMILY, FAMILY), 50)
    assert all(len(line) <= 50 for line in lines)
    assert len(lines) > 3
    many = f"actors: {{p: [{{repeat: {{times: {MOST_ROWS + 5}, steps: [{{fork: c}}]}}}}], c: []}}"
    assert drawn(told(many, many))[-1] == "  and 6 more processes"
