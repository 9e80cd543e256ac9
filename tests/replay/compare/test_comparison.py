# SPDX-License-Identifier: Apache-2.0
"""Whole comparisons: random scenarios, mutated traces, wrong expectations, other kernels."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay.compare.comparison import Comparison, Outcome, compare_with
from replay.compare.difference import Sureness, What
from replay.compare.from_trace import account_of
from replay.compare.sources import expected_trace
from replay.model.load import load_model
from replay.scenario.compiling import compile_plan
from replay.scenario.library import library_names, open_scenario
from replay.scenario.reading import with_parameters
from replay.simulator.simulation import simulate
from tests.histories.fake import FakeTrace
from tests.replay.compare.runs import FAMILY, compared, fake, run, said
from tests.replay.simulator.random_scenario import RandomScenario

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from replay.scenario.scenario import Scenario

MODEL = load_model("linux-6.18")
SMALL = {"fork-bomb": "depth=2", "gc-sweep": "pages=9", "who-writes-first": "pages=6"}
"""Parameters of library scenarios that would take long."""


@cache
def library(name: str, seed: int, model: str = "linux-6.18") -> FakeTrace:
    """Simulate a scenario of the package; nobody may change it."""
    setting = [SMALL[name]] if name in SMALL else []
    plan = compile_plan(with_parameters(open_scenario(name), setting))
    return fake(simulate(plan, load_model(model), seed, {}))


def simulated(scenario: Scenario, seed: int) -> FakeTrace:
    """Simulate a scenario."""
    return fake(simulate(compile_plan(scenario), MODEL, seed, {}))


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 14))
def test_any_two_orders_compare_equal(random: Random, actors: int) -> None:
    """What the seed decides is open, all of it."""
    scenario = RandomScenario(random, actors, 10).scenario()
    one, other = simulated(scenario, 1), simulated(scenario, 2)
    for pair in ((one, one), (one, other), (other, one)):
        found = compared(*pair)
        assert found.outcome is Outcome.EQUAL, said(found)


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 10))
def test_a_wrong_end_of_any_scenario_is_caught(random: Random, actors: int) -> None:
    """Unless it is open how all of its processes end."""
    scenario = RandomScenario(random, actors, 10).scenario()
    trace, expected = simulated(scenario, 1), expected_trace(simulated(scenario, 2), FakeTrace())
    _wrong_end(trace)
    ends = {one.name for one in account_of(trace).members if one.end == "exit 99"}
    if ends - expected.freedom.ends - expected.freedom.maybe:
        assert compare_with(account_of(trace), expected).outcome is Outcome.DIFFERENT


def _status(trace: FakeTrace) -> None:
    ends = [row for row in trace.rows["exit"] if row["group_exit_code"]]
    ends[-1]["group_exit_code"] = ends[-1]["exit_code"] = 77 << 8


def _fork(trace: FakeTrace) -> None:
    gone = trace.rows["newtask"][-1]["child_tid"]
    for rows in trace.rows.values():
        rows[:] = [row for row in rows if row.get("tid") != gone and row.get("child_tid") != gone
                   and row.get("ns_pid") != gone]  # fmt: skip


def _copy(trace: FakeTrace) -> None:
    fault = next(row for row in trace.rows["fault"] if row["mapcount"] == 2)
    trace.rows["fault"].append(
        {**fault, "time_ns": fault["time_ns"] + 1, "address": fault["address"] + (5 << 12)}
    )


def _parent(trace: FakeTrace) -> None:
    """Let the last process be the child of the one before it."""
    first, last = trace.rows["newtask"][-2:]
    given = {"tid": "child_tid", "tgid": "child_tgid", "start_ns": "child_start_ns"}
    for name, of in given.items():
        last[name] = last[f"real_parent_{name}"] = first[of]


def _wait(trace: FakeTrace) -> None:
    del trace.rows["wait"][-1]


@pytest.mark.parametrize(
    ("mutate", "what"),
    [(_status, What.END), (_fork, What.MISSING), (_copy, What.PAGES), (_parent, What.PARENT),
     (_wait, What.FATE)],
)  # fmt: skip
def test_a_mutated_trace_differs(mutate: Callable[[FakeTrace], None], what: What) -> None:
    """Of a scenario in which everything is determined, and for certain."""
    trace = run(FAMILY.replace("d: [{exec: [/bin/true]}]", "d: [{exit: 9}]"))
    before = compared(trace, run(FAMILY.replace("d: [{exec: [/bin/true]}]", "d: [{exit: 9}]")))
    assert before.outcome is Outcome.EQUAL
    mutate(trace)
    found = compared(trace, run(FAMILY.replace("d: [{exec: [/bin/true]}]", "d: [{exit: 9}]")))
    assert found.outcome is Outcome.DIFFERENT
    assert what in {one.what for one in found.differences}, said(found)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_what_was_lost_is_never_a_certain_difference(data: st.DataObject) -> None:
    """Whichever rows are lost, where the trace says that some are."""
    trace = run(FAMILY)
    tables = [name for name in ("newtask", "exit", "wait", "exec", "fault", "dead", "started",
                                "clone_call", "mapping_call") if trace.rows[name]]  # fmt: skip
    for _ in range(data.draw(st.integers(1, 4))):
        rows = trace.rows[data.draw(st.sampled_from(tables))]
        if rows:
            del rows[data.draw(st.integers(0, len(rows) - 1))]
    trace.add("lost", ring=b"events", count=4)
    found = compared(trace, run(FAMILY))
    certain = [one for one in found.differences if one.sureness is Sureness.CERTAIN]
    assert not certain
    assert found.outcome is Outcome.UNDECIDED


@pytest.mark.parametrize("name", library_names())
def test_library_scenarios_compare_equal_in_any_order(name: str) -> None:
    """And are not equal to any other of them."""
    runs = [library(name, seed) for seed in range(3)]
    for one in runs:
        assert compared(one, runs[0]).outcome is Outcome.EQUAL
    others = [other for other in library_names() if other != name]
    assert not [
        other for other in others if compared(runs[0], library(other, 0)).outcome is Outcome.EQUAL
    ]


def _wrong_end(trace: FakeTrace) -> None:
    for row in trace.rows["exit"]:
        row["group_exit_code"] = row["exit_code"] = 99 << 8


def _no_wait(trace: FakeTrace) -> None:
    trace.rows["wait"] = []


def _more_faults(trace: FakeTrace) -> None:
    fault: dict[str, Any]
    if trace.rows["fault"]:
        fault = trace.rows["fault"][-1]
        pages = trace.metadata["simulation"]["regions"][0]
        trace.rows["fault"] += [
            {**fault, "time_ns": fault["time_ns"] + at,
             "address": pages["address"] + (at % pages["pages"] << 12)}
            for at in range(1, 2 * pages["pages"])
        ]  # fmt: skip


@pytest.mark.parametrize("name", library_names())
@pytest.mark.parametrize("wrong", [_wrong_end, _no_wait, _more_faults])
def test_wrong_expectations_of_the_library_are_caught(
    name: str, wrong: Callable[[FakeTrace], None]
) -> None:
    """What is open there does not cover another end, no waits, or twice the faults."""
    trace, expected = library(name, 1), deepcopy(library(name, 2))
    before = {table: len(rows) for table, rows in expected.rows.items()}
    wrong(expected)
    if wrong is _wrong_end or before != {t: len(rows) for t, rows in expected.rows.items()}:
        assert compared(trace, expected).outcome is Outcome.DIFFERENT


def page_rows(found: Comparison) -> dict[str, tuple[int, int]]:
    """Give the figures of pages that differ."""
    return {row.figure: (row.actual, row.expected) for row in found.pages if row.differs}


def test_kernels_differ_where_they_must() -> None:
    """A lone remaining owner of a split huge page copies its pieces before 6.15, but the last."""
    found = compared(library("huge-pages", 0, "linux-5.10"), library("huge-pages", 0))
    assert page_rows(found) == {"copied": (510, 0), "reused": (1, 511)}
    assert {one.what for one in found.differences} == {What.PAGES}
    equal = [
        name
        for name in library_names()
        if not compared(library(name, 0, "linux-5.10"), library(name, 0)).differences
    ]
    assert equal == [name for name in library_names() if name != "huge-pages"]


def test_the_first_difference() -> None:
    """The one that showed first; one that is certain where there is one."""
    text = FAMILY.replace("exit: 5", "exit: 6").replace("exit: 3", "exit: 4")
    found = compared(run(text), run(FAMILY))
    assert found.first is not None
    assert (found.first.what, found.first.subject) == (What.END, "c")
    assert [one.subject for one in found.differences] == ["c", "p"]
    assert compared(run(FAMILY), run(FAMILY)).first is None


def test_names_of_figures() -> None:
    """All that a tolerance may be about."""
    names = compared(run(FAMILY), run(FAMILY)).figures()
    assert {"copied", "heap/copied", "c/heap/copied", "processes", "exit 3"} <= names
