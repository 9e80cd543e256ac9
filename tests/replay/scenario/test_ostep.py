# SPDX-License-Identifier: Apache-2.0
"""Both notations of OSTEP's fork.py, its trees, and where Linux differs from it."""

from __future__ import annotations

import pytest

from replay.model.load import load_model
from replay.scenario.compiling import compile_plan
from replay.scenario.ostep import (
    Reparenting,
    divergences,
    ostep_scenario,
    parents_after,
    parse_ostep,
)
from replay.simulator.simulation import simulate
from traces.errors import ProctraceError

PRINTED = """
ARG seed -1
ARG action_list a+b,b+c,c+d,c+e,b-
ARG local_reparent False
ARG print_style fancy
ARG solve True

                           Process Tree:
                               a

Action: a forks b
                               a
                               └── b
Action: b forks c
                               a
                               └── b
                                   └── c
Action: c forks d
Action: c forks e
Action: b EXITS

                        Final Process Tree:
                               a
                               ├── c
                               ├── d
                               └── e
"""
BASIC = """
ARG local_reparent True
Action: a forks b
Action: b forks aa
Action: aa forks d
Action: aa EXITS (failed: has children)
Action: a forks e

                                a
                                   b
                                     aa
                                         d
                                   e
"""


def linux(actions: str) -> dict[str, str]:
    """Give the final parents by Linux's rule."""
    return parents_after(parse_ostep(actions, "x"), Reparenting.LINUX)


def test_both_notations_are_the_same_actions() -> None:
    """What is printed, and what -A takes."""
    printed = parse_ostep(PRINTED, "out")
    listed = parse_ostep("a+b,b+c, c+d,c+e,b-", "out")
    pairs = [(one.who, one.creates) for one in printed.actions]
    assert pairs == [(one.who, one.creates) for one in listed.actions]
    assert pairs[-1] == ("b", "")
    assert (printed.reparenting, listed.final) == (Reparenting.ROOT, None)


def test_the_last_tree_is_read() -> None:
    """In the style fancy and in basic, where names of two letters begin one column before."""
    assert parse_ostep(PRINTED, "out").final == {"a": "", "c": "a", "d": "a", "e": "a"}
    other = parse_ostep(BASIC, "out")
    assert other.final == {"a": "", "b": "a", "aa": "b", "d": "aa", "e": "a"}
    assert other.reparenting is Reparenting.LOCAL
    assert len(other.actions) == 4
    lined = PRINTED.replace("├── ", "|-- ").replace("└── ", "+-- ")
    assert parse_ostep(lined, "out").final == parse_ostep(PRINTED, "out").final


def test_fork_py_s_own_trees_are_computed() -> None:
    """By default all descendants go to the root, with -R children to the parent."""
    found = parse_ostep(PRINTED, "out")
    assert parents_after(found, Reparenting.ROOT) == found.final
    assert parents_after(found, Reparenting.LOCAL) == {"a": "", "c": "a", "d": "c", "e": "c"}
    deeper = parse_ostep("a+b,b+c,c+d,c-", "x")
    assert parents_after(deeper, Reparenting.LOCAL)["d"] == "b"
    assert parents_after(deeper, Reparenting.ROOT)["d"] == "a"


def test_divergences_are_named() -> None:
    """The two rules of fork.py, each by what it does."""
    found = divergences(parse_ostep(PRINTED, "out"))
    assert [text.split(" by fork.py")[0] for text in found] == [
        "d is a child of c, and of a", "e is a child of c, and of a",
    ]  # fmt: skip
    assert "gives all descendants of a process that exits to the root" in found[0]
    local = parse_ostep("ARG local_reparent True\na forks b\nb forks c\nc forks d\nc EXITS", "x")
    (only,) = divergences(local)
    assert only.startswith("d is a child of a, and of b by fork.py: fork.py -R gives")
    assert divergences(parse_ostep("a+b,b+c,c-", "x")) == []


@pytest.mark.parametrize(
    "actions",
    ["a+b", "a+b,b+c,c-", "a+b,b+c,b-", "a+b,b+c,c+d,b-", "a+b,a+c,b+d,c+e,b-,c-,d-",
     "a+b,b+c,c+d,d+e,d-,c-,b-", "P+Q,Q+Rr,P+S,Q-,Rr+T,S-", "a+b,b-,a+c,c-,a+d"],
)  # fmt: skip
def test_the_simulated_kernel_makes_linux_s_tree(actions: str) -> None:
    """The scenario of the actions ends with the tree that Linux's rule says."""
    plan = compile_plan(ostep_scenario(actions))
    host = simulate(plan, load_model("linux-6.18"), 1, {}).host
    expected = linux(actions)
    names = {plan.actors[task.actor].name: task for task in host.tasks}
    for name, parent in expected.items():
        if parent:
            waiter = names[name].process.reaper
            assert waiter is not None
            assert plan.actors[waiter.actor].name == parent


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("", "x:1:1", "there is no action"),
        ("a+b, c=d", "x:1:6", "'c=d' is no action"),
        ("a+b\nc+d", "x:2:1", "there is no process c by then"),
        ("a+b,a+b", "x:1:5", "b was there already"),
        ("a+b,a-", "x:1:5", "a is the first process"),
        ("a+b,b-,b-", "x:1:8", "there is no process b by then"),
        ("Action: a forks b\nAction: c EXITS", "x:2:9", "there is no process c by then"),
        (",".join(["a+b", *[f"a+b{at}" for at in range(400)]]), "x:1:2688", "there are more"),
    ],
)
def test_impossible_actions_are_refused(text: str, where: str, why: str) -> None:
    """At their place."""
    with pytest.raises(ProctraceError) as caught:
        parse_ostep(text, "x")
    assert caught.value.why.startswith(why)
    assert caught.value.what == f"cannot use {where}"
