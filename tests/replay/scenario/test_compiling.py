# SPDX-License-Identifier: Apache-2.0
"""Plans: instances, names, barriers and bounds."""

from __future__ import annotations

import pytest

from replay.scenario.plan import ENDS, Code, Made, Plan
from tests.replay.simulator.told import planned
from traces.errors import ProctraceError


def waited(plan: Plan, actor: int) -> list[int]:
    """Give whom an actor waits for or ends, by number."""
    codes = {Code.WAIT, Code.WAITID, Code.KILL}
    found = plan.actors[actor].operations
    return [operation.numbers[0] for operation in found if operation.code in codes]


def refused(text: str) -> str:
    """Give why a scenario cannot be planned."""
    with pytest.raises(ProctraceError, match="told:") as caught:
        planned(text)
    return caught.value.why


def test_each_creation_is_an_instance() -> None:
    """Numbered in the order of creation; waits take the oldest that is left."""
    plan = planned("""
actors:
  p: [{repeat: {times: 2, steps: [{fork: c}]}}, {wait: c}, {fork: c}, {wait: c}, {wait: any}]
  c: [{exit: $index}]
""")
    assert [actor.name for actor in plan.actors] == ["p", "c.1", "c.2", "c.3"]
    assert [actor.made for actor in plan.actors] == [Made.ROOT, *[Made.CREATED] * 3]
    assert [actor.operations[-1].numbers for actor in plan.actors[1:]] == [(0,), (1,), (2,)]
    assert waited(plan, 0) == [1, 2, -1]


def test_every_list_ends_with_an_end() -> None:
    """A thread alone, a process whole; nothing comes after."""
    plan = planned("actors: {p: [{thread: t}, {fork: c}], t: , c: [pause]}")
    assert [actor.operations[-1].code for actor in plan.actors] == [
        Code.EXIT, Code.EXIT_THREAD, Code.PAUSE,
    ]  # fmt: skip
    for actor in plan.actors:
        assert all(one.code not in ENDS for one in actor.operations[:-1])
    assert refused("actors: {p: [{exit: 0}, pause]}") == "this step is never reached"


def test_others_children_are_found() -> None:
    """One that was adopted is waited for by its name, each instance once."""
    plan = planned("""
actors:
  p:
    - become: subreaper
    - fork: m
    - wait: m
    - wait: c
    - wait: c
    - kill: {actor: k, signal: KILL}
  m: [{fork: c}, {fork: c}, {fork: k}]
  c: []
  k: [pause]
""")
    assert waited(plan, 0) == [1, 2, 3, 4]
    assert refused("actors: {p: [{wait: c}], c: []}") == "there is no task c by then"
    text = "actors: {p: [{fork: c}, {wait: c}, {wait: c}], c: []}"
    assert refused(text) == "there is no other task c by then"


def test_an_executed_actor_goes_on_with_the_same_children() -> None:
    """It is in the plan, but no task of its own."""
    plan = planned("actors: {p: [{fork: c}, {exec: q}], q: [{wait: c}], c: []}")
    assert [(one.name, one.made, one.parent) for one in plan.actors] == [
        ("p", Made.ROOT, -1), ("c", Made.CREATED, 0), ("q", Made.EXECUTED, 0),
    ]  # fmt: skip
    assert waited(plan, 2) == [1]
    assert refused("actors: {p: [{exec: q}], q: [{exec: p}]}").endswith(
        "executes itself without end"
    )


def test_an_actor_may_create_itself_to_a_depth() -> None:
    """So many generations, and without a depth not at all."""
    text = "parameters: {depth: 3}\nactors: {p: [{fork: {actor: p, depth: $depth}}, {wait: all}]}"
    assert len(planned(text).actors) == 4
    assert len(planned(text, "depth=0").actors) == 1
    assert refused("actors: {p: [{fork: p}]}") == "p creates itself without end"


def test_spawned_tasks_execute_first() -> None:
    """The task has the name of what it executes."""
    plan = planned("actors: {p: [{posix_spawn: q}, {posix_spawn: [/bin/true]}, {wait: q}], q: []}")
    names = [(one.name, one.operations[0].code, one.made) for one in plan.actors[1:]]
    assert names == [
        ("q.1", Code.EXEC_ACTOR, Made.CREATED),
        ("true", Code.EXEC_PROGRAM, Made.CREATED),
        ("q.2", Code.EXIT, Made.EXECUTED),
    ]
    assert waited(plan, 0) == [1]


def test_barriers_are_counted_by_turn() -> None:
    """The second time that somebody comes is another barrier."""
    plan = planned("""
actors:
  p: [{fork: c}, {barrier: x}, {barrier: x}]
  c: [{barrier: x}, {barrier: y}]
""")
    assert [(one.name, one.participants) for one in plan.barriers] == [("x", 2), ("x", 1), ("y", 1)]
    codes = [one.numbers[0] for one in plan.actors[0].operations if one.code is Code.BARRIER]
    assert codes == [0, 1]


def test_plans_are_bounded() -> None:
    """In tasks and in operations."""
    many = "actors: {{p: [{{repeat: {{times: {}, steps: [{{{}: c}}]}}}}], c: []}}"
    assert "more than 4096 tasks" in refused(many.format(5000, "fork"))
    nested = (
        "[{repeat: {times: 1000, steps: [{repeat: {times: 1000, steps: [{become: subreaper}]}}]}}]"
    )
    assert "more than 200000 operations" in refused(f"actors: {{p: {nested}}}")
