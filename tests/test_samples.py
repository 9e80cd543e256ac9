# SPDX-License-Identifier: Apache-2.0
"""Every recording in traces/samples is still read and replays without contradiction."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from replay.audit import Audit
from replay.forest import ProcessForest
from replay.memory.cow import CowKey, cow_by
from replay.memory.history import PageHistories
from replay.process import Choice, ParentReason, Process
from traces.reader import open_trace

SAMPLES = Path(__file__).resolve().parent.parent / "traces" / "samples"
NAMES = sorted(path.name for path in SAMPLES.glob("*.ptrace"))


def _forest(name: str) -> ProcessForest:
    return ProcessForest.from_trace(open_trace(SAMPLES / name))


def _children(forest: ProcessForest) -> list[Process]:
    return [process for process in forest.processes.values() if not process.before_recording]


def test_there_are_samples_and_each_has_its_provenance() -> None:
    """A sample that nobody can say how it was made proves nothing."""
    readme = (SAMPLES / "README.md").read_text()
    told = re.findall(r"^\| `(\S+\.ptrace)` \| `\S", readme, re.MULTILINE)
    assert NAMES
    assert sorted(told) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_complete_and_free_of_contradiction(name: str) -> None:
    """Read, replayed and audited as on the day it was recorded."""
    trace = open_trace(SAMPLES / name)
    forest = ProcessForest.from_trace(trace)
    assert trace.complete
    assert all(finding.holds is not False for finding in Audit.of(trace, forest).findings)
    assert all(process.end is not None for process in forest.processes.values())


def test_one_pid_of_five_processes() -> None:
    """Identity is never the pid."""
    children = _children(_forest("pid_reuse.ptrace"))
    assert len(children) == 5
    assert len({child.id.tgid for child in children}) == 1
    assert [child.end.status for child in children if child.end] == [1, 2, 3, 4, 5]


def test_an_orphan_and_its_subreaper() -> None:
    """The grand-child's last parent is the root, by adoption."""
    forest = _forest("orphan.ptrace")
    orphan = _children(forest)[-1]
    assert [span.reason for span in orphan.parents] == [ParentReason.BIRTH, ParentReason.SUBREAPER]
    assert orphan.parents[-1].parent == forest.roots[0].id


def test_an_exec_by_a_thread_keeps_the_process() -> None:
    """One process, two images, the status of the second."""
    (process,) = _forest("thread_exec.ptrace").processes.values()
    assert len(process.images) == 2
    assert process.end is not None
    assert process.end.status == 5


def test_an_ignored_sigchld_reaps_by_itself() -> None:
    """No zombie, and nobody waited."""
    (child,) = _children(_forest("auto_reap.ptrace"))
    assert child.wait is not None
    assert child.wait.choice is Choice.AUTO_REAPED


def test_each_page_of_a_cow_storm_was_copied_twice() -> None:
    """Once by each child; the parent's last writes found themselves alone and reused the page."""
    memory = PageHistories.from_trace(open_trace(SAMPLES / "cow_storm.ptrace"))
    greatest = cow_by(memory, CowKey.MAPPING).rows.row(0, named=True)
    assert (greatest["kind"], greatest["copied"], greatest["reused"]) == ("anonymous", 128, 64)
    symbol = cow_by(memory, CowKey.SYMBOL).rows.row(0, named=True)
    assert symbol["symbol"] in (b"main", b"write_each", "main", "write_each")
