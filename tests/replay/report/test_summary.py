# SPDX-License-Identifier: Apache-2.0
"""The page about a recording."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from replay.audit import Audit
from replay.checks.tally import Tally
from replay.forest import ProcessForest
from replay.recording import Recording
from replay.report.cow_totals import CowTotals
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


def test_why_it_stopped_is_a_sentence(tmp_path: Path) -> None:
    """Of the recorder's words, or with those as they are."""
    summary = summary_of(build_story(), tmp_path / "a")
    for stopped_by, words in (("duration", "until its time was over"), ("dawn", "until dawn")):
        recording = replace(summary.recording, stopped_by=stopped_by)
        assert words in "\n".join(shown(replace(summary, recording=recording)))


def _next(summary: Summary) -> list[str]:
    lines = shown(summary)
    return [line.split("proctrace ")[1].split("  ")[0] for line in lines[lines.index("next") + 1 :]]


def test_what_to_do_next_is_what_the_trace_can_answer(tmp_path: Path) -> None:
    """Threads, steps, copies: only where there are any."""
    history = History()
    alone = summary_of(history, tmp_path / "a")
    assert _next(alone) == [f"audit {tmp_path}/a", f"dump --by-time {tmp_path}/a"]
    history = History()
    history.forks("sh", "a")
    forked = summary_of(history, tmp_path / "b")
    assert [command.split()[0] for command in _next(forked)] == ["check", "audit", "dump"]
    story = _next(summary_of(build_story(), tmp_path / "c"))
    assert story[0] == f"tree --threads {tmp_path}/c"


def test_copies_and_steps_are_pointed_at(tmp_path: Path) -> None:
    """In a recording with faults and with steps."""
    history = History()
    history.forks("sh", "a")
    history.made.add("step", time_ns=1, tid=1, what=1)
    copied = CowTotals(
        faults=1, major_faults=0, forks=1, shared=1, unbroken=0, copied=1, copied_bytes=4096,
        copy_ns=1, reused=0, reuse_ns=0, file_copied=0,
    )  # fmt: skip
    summary = replace(summary_of(history, tmp_path / "a"), memory=copied)
    words = [command.split()[0] for command in _next(summary)]
    assert words == ["cow", "steps", "check", "audit", "dump"]
    nothing = replace(copied, copied=0)
    assert "cow" not in _next(replace(summary, memory=nothing))[0]


def test_what_became_of_the_rules(tmp_path: Path) -> None:
    """In one line, with the names of those that are violated."""
    summary = summary_of(build_story(), tmp_path / "a")
    assert not any(line.startswith("rules") for line in shown(summary))
    kept = Tally("mine", ("a", "b"), (), (), ())
    assert "rules      2 rules hold, by the model mine" in shown(replace(summary, rules=kept))
    broken = Tally("mine", ("a",), ("b", "c"), ("d",), ("e", "f"))
    line = "1 rule holds, 2 violated (b, c), 1 unknown, 2 without a case, by the model mine"
    assert f"rules      {line}" in shown(replace(summary, rules=broken))
    many = Tally("mine", ("a", "b"), (), (), (), ("g",))
    line = "2 rules hold, 1 on steps left to 'proctrace check', by the model mine"
    assert f"rules      {line}" in shown(replace(summary, rules=many))
    assert summary_json(replace(summary, rules=broken))["rules"] == {
        "model": "mine", "holds": ("a",), "violated": ("b", "c"), "unknown": ("d",),
        "no_case": ("e", "f"), "left": (),
    }  # fmt: skip


def test_a_scenario_of_the_package_can_be_compared_with(tmp_path: Path) -> None:
    """Any other name says nothing, and may be anything."""
    for name, offered in (("zombie", True), ("{0}; rm", False), ("mine", False)):
        path = tmp_path / "run"
        write_story(build_story(), path, metadata={"run": {"scenario": name}})
        trace = open_trace(path)
        summary = replace(summary_of(build_story(), tmp_path / "a"), trace=trace)
        assert (f"compare {path} zombie" in _next(summary)) is offered
