# SPDX-License-Identifier: Apache-2.0
"""The host: how a simulated trace begins."""

from __future__ import annotations

from tests.replay.simulator.rebuilt import Rebuilt


def test_the_first_process_is_adopted_and_executes() -> None:
    """As the recorder's command is."""
    told = Rebuilt("actors: {p: }")
    (adopted,) = told.rows("adopted")
    assert (adopted["tid"], adopted["tgid"]) == (1000, 1000)
    (executed,) = told.rows("exec")
    assert executed["tid"] == 1000
    assert executed["mm"] != adopted["mm"]
    assert told.process("p").images[-1].argv == (b"told",)


def test_times_and_tids_only_grow() -> None:
    """No two tasks begin at once."""
    told = Rebuilt("actors: {p: [{repeat: {times: 9, steps: [{fork: c}]}}, {wait: all}], c: }")
    tasks = told.done.host.tasks
    assert [task.tid for task in tasks] == list(range(1000, 1010))
    starts = [task.start_ns for task in tasks]
    assert starts == sorted(set(starts))
    for table in ("newtask", "exit", "wait", "dead"):
        times = [row["time_ns"] for row in told.rows(table)]
        assert times == sorted(times)
