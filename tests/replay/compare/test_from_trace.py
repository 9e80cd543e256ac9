# SPDX-License-Identifier: Apache-2.0
"""The account of a trace."""

from __future__ import annotations

from replay.compare.account import NOBODY, Fate, Loss, Place
from replay.compare.cast import RegionPages
from replay.compare.from_trace import account_of, ended
from tests.histories.build import told as history
from tests.replay.compare.runs import FAMILY, run

FIRST = 1 << 32


def test_members_of_a_run() -> None:
    """Its actors with their lives; the program that plays the scenario is none of its own."""
    account = account_of(run(FAMILY))
    p, c, d = account.members
    assert (p.label, p.parent, p.programs, p.end, p.fate) == (
        "p",
        NOBODY,
        (),
        "exit 5",
        Fate.OUTSIDE,
    )
    assert (c.label, c.parent, c.born, c.end, c.fate, c.reaper) == (
        "c", 0, "fork", "exit 3", Fate.REAPED, 0,
    )  # fmt: skip
    assert (d.programs, d.program, d.threads, d.waits_without_child) == (("true",), "true", 0, 0)
    assert account.tasks == {"p": 0, "c": 1, "d": 2}
    assert (account.played, account.regions, account.loss) == (True, ("heap",), Loss())
    assert account.what == "told, simulated for Linux 6.18"


def test_all_that_actors_do() -> None:
    """Threads, fates, failed calls, waits that find nobody."""
    account = account_of(
        run("""
actors:
  p: [{thread: t}, {fork: z}, {waitid: {for: z, options: [EXITED, NOWAIT]}}, {fork: g},
      {clone: {actor: no, flags: [SIGHAND]}}, {waitid: {for: g, options: [EXITED, NOWAIT]}},
      {wait: g}, {wait: {for: any, options: [NOHANG]}}, {barrier: b}, {exit: 1}]
  t: [{barrier: b}, pause]
  z: [{exit: {signal: KILL}}]
  g: [{ignore: CHLD}, {fork: h}, {wait: all}, {exit: 2}]
  h: [{exit: 7}]
  no: []
""")
    )
    by_name = {one.name: one for one in account.members}
    assert (by_name["p"].threads, by_name["p"].thread_ends) == (1, ("exit 1",))
    assert by_name["p"].failed_calls == ("clone EINVAL",)
    assert (by_name["g"].waits_without_child, by_name["h"].fate) == (1, Fate.AUTO_REAPED)
    assert by_name["z"].end == "SIGKILL"
    assert account.tasks["t"] == 0


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


def test_ends_in_words() -> None:
    """A status or a signal."""
    assert [ended(3, 0), ended(0, 9)] == ["exit 3", "SIGKILL"]
