# SPDX-License-Identifier: Apache-2.0
"""The page about a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay.audit import Audit
from replay.forest import ProcessForest
from replay.recording import Recording
from replay.report.summary import TREE_LINES, Summary, summary_json, summary_lines
from replay.report.tree import Tree
from replay.totals import Totals
from tests.histories.build import History
from tests.replay.story import build_story, write_story
from traces.reader import open_trace

if TYPE_CHECKING:
    from pathlib import Path


def summary_of(history: History, path: Path) -> Summary:
    """Give the summary of a history."""
    trace = open_trace(write_story(history, path))
    forest = ProcessForest.from_trace(trace)
    totals = Totals.of(trace, forest.processes.values())
    tree = Tree(forest.processes, forest.roots)
    return Summary(trace, Recording.of(trace), totals, Audit.of(trace, forest), tree)


def shown(summary: Summary, width: int | None = None) -> list[str]:
    """Give its lines."""
    return ["".join(text for text, _ in line) for line in summary_lines(summary, width)]


def test_a_long_tree_is_cut(tmp_path: Path) -> None:
    """And the page says how to see the rest, in words for a shell."""
    history = History()
    for number in range(TREE_LINES + 5):
        history.forks("sh", f"p{number}")
    lines = shown(summary_of(history, tmp_path / "a b.ptrace"))
    command = f"proctrace tree '{tmp_path}/a b.ptrace'"
    assert f"… 6 more processes: {command}" in lines
    assert sum("[sh]" in line for line in lines) == TREE_LINES


def test_a_short_tree_is_whole(tmp_path: Path) -> None:
    """Nothing is said to be missing."""
    lines = shown(summary_of(build_story(), tmp_path / "a"))
    assert not any("more process" in line for line in lines)


def test_json_leaves_the_tree_to_its_own_command(tmp_path: Path) -> None:
    """Counts and verdict, and null for what is not known."""
    value = summary_json(summary_of(build_story(), tmp_path / "a"))
    assert value["verdict"] == "complete"
    assert "tree" not in value
    assert isinstance(value["totals"], dict)
    assert value["totals"]["processes"] == 9
