# SPDX-License-Identifier: Apache-2.0
"""The simulator and replay agree: what was simulated is what is rebuilt from its trace."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from replay.audit import Audit, Verdict
from replay.forest import ProcessForest
from replay.memory.contradictions import contradictions
from replay.memory.history import PageHistories
from replay.memory.page_map import page_map
from replay.model.load import load_model
from replay.process import Choice, ProcessId, TaskId
from replay.scenario.compiling import compile_plan
from replay.scenario.words import VFORK
from replay.simulator.frames import FIRST
from replay.simulator.simulation import Simulation, simulate
from replay.simulator.tasks import State
from tests.histories.fake import FakeTrace
from tests.replay.simulator.random_scenario import RandomScenario
from tests.replay.simulator.told import acted, opened
from traces.schema import TABLES

if TYPE_CHECKING:
    from replay.simulator.memory import Space
    from replay.simulator.tasks import Process, Task
    from traces.reader import Trace

MODEL = load_model("linux-6.18")


def simulated(seed: int, actors: int, steps: int) -> Simulation:
    """Give a random scenario, simulated."""
    plan = compile_plan(RandomScenario(Random(seed), actors, steps).scenario())  # noqa: S311
    return simulate(plan, MODEL, seed, {})


def check_tree(done: Simulation, forest: ProcessForest) -> None:
    """Compare every task and process."""
    assert {(task.tid, task.start_ns) for task in done.host.tasks} <= set(forest.tasks)
    for process in done.host.processes.values():
        found = forest.processes[ProcessId(process.tgid, process.start_ns)]
        parent = forest.parent(found)
        above = process.real_parent
        assert (None if parent is None else parent.id.tgid) == (
            None if above is None else above.process.tgid
        )
        if process.living():
            assert found.end is None
        else:
            assert found.end is not None
            code = process.exit_code
            assert (found.end.status, found.end.signal) == (code >> 8, code & 0x7F)
        check_wait(process, found.wait.choice if found.wait is not None else None)
    for task in done.host.tasks:
        check_task(task, forest)


def check_task(task: Task, forest: ProcessForest) -> None:
    """Compare a task: where it belongs, and its faults."""
    found = forest.tasks[TaskId(task.tid, task.start_ns)]
    assert found.process.tgid == task.process.tgid
    assert (found.end is None) == (task.state is not State.ENDED)
    if found.end is not None:
        assert found.end.min_flt == task.min_flt


def check_wait(process: Process, choice: Choice | None) -> None:
    """Compare what became of the end of a process."""
    if process.living():
        assert choice is Choice.ALIVE
    elif process.abandoned:
        assert choice is Choice.NEVER
    elif process.reaper is not None:
        assert choice is (Choice.WAITED if process.reaper_slept else Choice.WAITED_LATER)
    elif process.real_parent is None:
        assert choice is Choice.UNKNOWN
    else:
        assert choice is (Choice.NEVER if process.zombie else Choice.AUTO_REAPED)


def spaces_left(done: Simulation) -> dict[int, tuple[Task, Space]]:
    """Give the address spaces that are there at the end, each with a task that uses it."""
    left = [task for task in done.host.tasks if task.state is not State.ENDED]
    return {task.space.number: (task, task.space) for task in left}


def check_pages(done: Simulation, memory: PageHistories) -> None:
    """Compare the private pages of all address spaces, and which of them are the same."""
    page_of: dict[tuple[int, int], int] = {}
    for task, space in spaces_left(done).values():
        number = next(
            one.number
            for one in reversed(memory.spaces.spaces)
            if any(use.task == (task.tid, task.start_ns) for use in one.users)
        )
        found = page_map(memory, number, done.host.now_ns)
        expected = {
            mapping.region.first_page + page: frame
            for mapping in space.mappings.values()
            for page, frame in enumerate(mapping.frame.tolist())
            if frame >= FIRST and done.host.memory.frames.anonymous[frame]
        }
        pages = [address >> 12 for address in found["address"].to_list()]
        assert dict(zip(pages, found["frame"].to_list(), strict=True)) == expected
        for frame, *who in zip(found["frame"], found["fault"], found["page"], strict=True):
            # The same physical page is known by the same fault everywhere.
            assert page_of.setdefault((who[0], who[1]), frame) == frame
    assert len(set(page_of.values())) == len(page_of)


def check_creations(trace: Trace, forest: ProcessForest) -> None:
    """See that nothing is odd, but for vfork calls in which the caller was ended."""
    returned = set(trace.table("clone_call")["result"].to_list())
    created = trace.table("newtask").select("child_tid", "clone_flags").iter_rows()
    unfinished = [flags for tid, flags in created if tid not in returned]
    assert all(flags & VFORK for flags in unfinished)
    found = [(anomaly.kind.name, anomaly.count) for anomaly in forest.anomalies.found()]
    assert found == [("newtask_without_clone", len(unfinished))] * bool(unfinished)


@settings(deadline=None, max_examples=60)
@example(seed=2316, actors=17, steps=16)
@given(seed=st.integers(0, 2**32), actors=st.integers(1, 50), steps=st.integers(1, 25))
def test_replay_rebuilds_what_was_simulated(seed: int, actors: int, steps: int) -> None:
    """Tree, ends, waits, page maps and sharing of random scenarios."""
    done = simulated(seed, actors, steps)
    trace = opened(done)
    forest, memory = ProcessForest.from_trace(trace), PageHistories.from_trace(trace)
    check_tree(done, forest)
    check_pages(done, memory)
    assert Audit.of(trace, forest, memory).verdict is Verdict.COMPLETE
    check_creations(trace, forest)
    kinds = {anomaly.kind.name for anomaly in contradictions(memory)}
    assert kinds <= {"inherited_gone"}


def differs(trace: FakeTrace, done: Simulation) -> bool:
    """Tell whether what is rebuilt from a trace is something else than what was simulated."""
    forest, memory = ProcessForest.from_trace(trace), PageHistories.from_trace(trace)
    try:
        check_tree(done, forest)
        check_pages(done, memory)
    except (AssertionError, KeyError, StopIteration):
        return True
    whole = Audit.of(trace, forest, memory).verdict is Verdict.COMPLETE
    return not whole or bool(forest.anomalies.found() or contradictions(memory))


STORY = """
regions: {r: {pages: 8}}
actors:
  p: [{map: r}, {write: r}, {fork: c}, {fork: d}, {fork: e}, {wait: e}, {write: r}, pause]
  c: [{write: {region: r, count: 3}}, pause]
  d: [{write: {region: r, first: 5}}, pause]
  e: [{exit: 4}]
"""


@pytest.mark.parametrize("table", ["newtask", "exit", "wait", "fault"])
def test_a_trace_without_a_row_is_not_what_was_simulated(table: str) -> None:
    """Whichever row of these tables is taken out, it shows."""
    done = acted(STORY)
    trace = opened(done)
    copy = FakeTrace(metadata=dict(trace.metadata))
    copy.rows = {name: trace.table(name).to_dicts() for name in TABLES}
    assert not differs(copy, done)
    for at in range(len(copy.rows[table])):
        kept = copy.rows[table]
        copy.rows[table] = kept[:at] + kept[at + 1 :]
        assert differs(copy, done), kept[at]
        copy.rows[table] = kept


@pytest.mark.parametrize(
    ("table", "column", "change"),
    [("exit", "group_exit_code", 1 << 8), ("wait", "ns_pid", 1), ("wait", "status", 1 << 8),
     ("fault", "new_pte", 1 << 12), ("fault", "address", 1 << 12), ("exit", "min_flt", 1),
     ("newtask", "mm", 64)],
)  # fmt: skip
def test_a_trace_with_a_wrong_value_is_not_what_was_simulated(
    table: str, column: str, change: int
) -> None:
    """Whichever row has it."""
    done = acted(STORY)
    trace = opened(done)
    copy = FakeTrace(metadata=dict(trace.metadata))
    copy.rows = {name: trace.table(name).to_dicts() for name in TABLES}
    for row in copy.rows[table]:
        row[column] += change
        assert differs(copy, done), row
        row[column] -= change
