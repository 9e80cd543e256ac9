# SPDX-License-Identifier: Apache-2.0
"""The account of a trace."""

from __future__ import annotations

from replay.compare.account import Loss, Place
from replay.compare.cast import RegionPages
from replay.compare.from_trace import account_of
from tests.histories.build import told as history
from tests.replay.compare.runs import FAMILY, run

FIRST = 1 << 32


def test_a_run_of_a_scenario() -> None:
    """Its actors and its regions."""
    account = account_of(run(FAMILY))
    assert account.tasks == {"p": 0, "c": 1, "d": 2}
    assert (account.played, account.regions, account.loss) == (True, ("heap",), Loss())
    assert account.what == "told, simulated for Linux 6.18"


def test_other_traces() -> None:
    """Every process takes part; all memory of each is known, and regions that are named."""
    trace = run(FAMILY)
    trace.rows["actor"] = []
    (region,) = trace.metadata["simulation"]["regions"]
    first = region["address"] >> 12
    account = account_of(trace, regions=(RegionPages("half", first, first + 4),))
    assert [one.name for one in account.members] == ["", "", ""]
    assert account.members[0].programs == ("told",)
    assert account.pages is not None
    assert account.regions == ("half", "*")
    assert account.pages.counts[Place(1, "half")] == {"copied": 4, "shared": 4}
    assert account.pages.counts[Place(1, "*")] == {"copied": 4, "shared": 8}
    assert not account.played


def test_a_trace_without_faults_knows_no_pages() -> None:
    """Unless they were recorded, and there were none."""
    told = history("sh forks a, a exits").end_recording()
    assert account_of(told).pages is None
    told.metadata["recording"] = {"faults": True}
    assert account_of(told).regions == ("*",)


def test_loss() -> None:
    """Of faults it concerns no process."""
    trace = run(FAMILY)
    trace.add("lost", ring=b"fault ring", count=2)
    assert account_of(trace).loss == Loss(tree=False, pages=True, why="2 records were lost")
    trace.add("lost", ring=b"events", count=1)
    assert account_of(trace).loss.tree
    trace = run(FAMILY)
    trace.complete = False
    assert account_of(trace).loss == Loss(tree=True, pages=True, why="the trace is cut off")
