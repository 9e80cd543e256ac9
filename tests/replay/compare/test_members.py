# SPDX-License-Identifier: Apache-2.0
"""Who takes part, and what is known of each."""

from __future__ import annotations

from replay.compare.account import NOBODY, Fate
from replay.compare.from_trace import account_of
from replay.compare.members import ended
from tests.replay.compare.runs import FAMILY, run


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


def test_ends_in_words() -> None:
    """A status or a signal."""
    assert [ended(3, 0), ended(0, 9)] == ["exit 3", "SIGKILL"]
