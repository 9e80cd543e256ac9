# SPDX-License-Identifier: Apache-2.0
"""Trees of OSTEP's fork.py beside those that the kernel makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from replay.compare.account import NOBODY
from replay.compare.comparison import Comparison, Outcome, compare_with
from replay.compare.from_trace import account_of
from replay.compare.ostep import Divergence, divergences, expected_of, read_ostep
from replay.compare.sources import Conditions
from replay.model.load import load_model
from replay.scenario.compiling import compile_plan
from replay.scenario.ostep import Reparenting, ostep_scenario, parents_after, parse_ostep
from replay.simulator.simulation import simulate
from tests.replay.compare.runs import fake, said
from tests.replay.compare.runs import run as simulated
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.histories.fake import FakeTrace

LISTS = (
    "a+b",
    "a+b,b-",
    "a+b,b+c,c-",
    "a+b,b+c,b-",
    "a+b,a+c,b-,c-",
    "a+b,b+c,c+d,b-",
    "a+b,b+c,c+d,c-",
    "a+b,b+c,c+d,d-",
    "a+b,b+c,b+d,b-",
    "a+b,a+c,b+d,c+e,b-",
    "a+b,b+c,c+d,d+e,b-",
    "a+b,b+c,c+d,d+e,d-,c-,b-",
    "a+b,b+c,c+d,d+e,b-,c-,d-",
    "a+b,b+c,c+d,d+e,e+f,c-",
    "a+b,b+c,c+d,d+e,e+f,f+g,b-,e-",
    "a+b,b+c,b+d,c+e,d+f,b-,c-",
    "a+b,a+c,a+d,b+e,c+f,d+g,b-,c-,d-",
    "a+b,b+c,c-,b+d,d+e,d-",
    "a+b,b+c,c+d,b-,c+e,d+f,c-",
    "P+Q,Q+Rr,Rr+S,S+T,T+U,U+V,Q-,Rr-,T-",
)

OWN = """
actors:
  p: [{fork: q}, {wait: q}, {barrier: end}]
  q: [{fork: r}, {barrier: made}]
  r: [{fork: s}, {barrier: made}, {barrier: end}]
  s: [{barrier: end}]
"""
"""Does a+b,b+c,c+d,b- by itself, and then ends altogether."""


def run(actions: str) -> FakeTrace:
    """Let the kernel do the actions, by its model."""
    plan = compile_plan(ostep_scenario(actions))
    return fake(simulate(plan, load_model("linux-6.18"), 3, {}))


def against(trace: FakeTrace, text: str) -> tuple[Comparison, list[Divergence]]:
    """Compare with what fork.py was given, or printed."""
    told = parse_ostep(text, "x")
    expected = expected_of(told, trace, Conditions([], ""))
    found = compare_with(account_of(trace), expected)
    here = found.alignment.to_actual
    named = {name: here[at] for name, at in expected.account.named().items() if at in here}
    return found, divergences(told, found.actual, named)


def printed(actions: str, rule: Reparenting) -> str:
    """Give what fork.py prints for these actions, with its final tree by one of its rules."""
    told = parse_ostep(actions, "x")
    parents = parents_after(told, rule)
    lines = [f"ARG local_reparent {rule is Reparenting.LOCAL}"]
    for action in told.actions:
        what = f"forks {action.creates}" if action.creates else "EXITS"
        lines.append(f"Action: {action.who} {what}")
    lines.append("Final Process Tree:")
    waiting = [(told.root, 0)]
    while waiting:
        name, depth = waiting.pop()
        lines.append("    " * depth + "└── " * bool(depth) + name)
        waiting += [(child, depth + 1) for child, parent in parents.items() if parent == name]
    return "\n".join(lines)


@pytest.mark.parametrize("actions", LISTS)
def test_twenty_lists_of_actions(actions: str) -> None:
    """The tree is as the kernel makes it, and each divergence has the name of its rule."""
    trace, told = run(actions), parse_ostep(actions, "x")
    linux = parents_after(told, Reparenting.LINUX)
    for rule, name in (
        (Reparenting.ROOT, "ostep-reparents-to-root"),
        (Reparenting.LOCAL, "ostep-local-reparent"),
    ):
        found, named = against(trace, printed(actions, rule))
        assert found.outcome is Outcome.EQUAL, said(found)
        members = found.actual.members
        final = {one.label: members[one.guardian or 0].label for one in members if one.guardian}
        final |= {one.label: told.root for one in members if one.guardian == 0}
        assert {who: final[who] for who in linux if who != told.root} == {
            who: parent for who, parent in linux.items() if parent
        }
        by_rule = parents_after(told, rule)
        differing = {who: by_rule[who] for who in linux if by_rule[who] != linux[who]}
        assert {one.process: one.by_ostep for one in named} == differing
        assert {one.name for one in named} <= {name}
        assert all(one.actual == one.by_linux for one in named)


def test_the_lists_show_both_divergences_at_different_depths() -> None:
    """Some of them none, some one of them, some both."""
    shown = set()
    for actions in LISTS:
        told = parse_ostep(actions, "x")
        linux = parents_after(told, Reparenting.LINUX)
        shown.add(tuple(parents_after(told, rule) != linux
                        for rule in (Reparenting.ROOT, Reparenting.LOCAL)))  # fmt: skip
    assert shown == {(False, False), (True, False), (False, True), (True, True)}


def test_a_tree_that_no_rule_gives_is_named_so() -> None:
    """As after an edit of what was printed."""
    text = printed("a+b,b+c,c+d,b-", Reparenting.ROOT).replace("└── d", "└── e")
    _, named = against(run("a+b,b+c,c+d,b-"), text.replace("    └── c", "        └── c"))
    assert {one.name for one in named} <= {"ostep-tree-differs", "ostep-reparents-to-root"}
    moved = "a forks b\na forks c\na forks d\nc EXITS\n\na\n└── b\n    └── d\n"
    (only,) = against(run("a+b,a+c,a+d,c-"), moved)[1]
    assert (only.name, only.process, only.by_ostep) == ("ostep-tree-differs", "d", "b")


def test_other_actions_are_another_tree() -> None:
    """The kernel's tree against the wrong list."""
    found, _ = against(run("a+b,b+c,c-"), "a+b,a+c,c-")
    assert found.outcome is Outcome.DIFFERENT
    assert ("parent at birth", "c", "b", "a") in said(found)


def test_a_program_of_somebody_s_own() -> None:
    """Only its tree is compared; who is the root's stands for who is init's."""
    trace = run("a+b,b+c,c+d,b-")
    trace.rows["actor"] = []
    found, (only,) = against(trace, "a+b,b+c,c+d,b-")
    assert only.process == "d"
    assert found.outcome is Outcome.EQUAL
    assert not found.alignment.by_name


@pytest.mark.parametrize("seed", range(5))
def test_a_program_without_a_subreaper(seed: int) -> None:
    """Orphans go to init, in whose place fork.py has its first process."""
    trace = simulated(OWN, seed)
    trace.rows["actor"] = []
    found, _ = against(trace, "a+b,b+c,c+d,b-")
    assert not found.differences, said(found)
    assert found.actual.members[2].guardian == NOBODY
    assert against(trace, "a+b,b+c,b+d,b-")[0].outcome is Outcome.DIFFERENT
    assert against(trace, "a+b,b+c,b-")[0].outcome is Outcome.DIFFERENT


def test_a_parent_that_ended_too_early() -> None:
    """By the list it is there when all is done."""
    early = OWN.replace("q: [{fork: r}, {barrier: made}]", "q: [{fork: r}, {waitid: {for: r, "
                        "options: [EXITED, NOWAIT]}}]")  # fmt: skip
    early = early.replace("{fork: s}, {barrier: made}, {barrier: end}", "{fork: s}")
    trace = simulated(early)
    trace.rows["actor"] = []
    found = said(against(trace, "a+b,b+c,c+d,b-")[0])
    assert ("last parent", "somebody else", "c") in [(one[0], *one[2:]) for one in found]


def test_actions_or_a_file(tmp_path: Path) -> None:
    """And nothing else."""
    path = tmp_path / "out.txt"
    path.write_text(printed("a+b,b+c,b-", Reparenting.LOCAL), encoding="utf-8")
    assert read_ostep(str(path)).reparenting is Reparenting.LOCAL
    assert len(read_ostep("a+b,b-").actions) == 2
    with pytest.raises(ProctraceError, match="cannot read nofile"):
        read_ostep("nofile")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ProctraceError) as caught:
        read_ostep(str(path))
    assert caught.value.why == "it is no text"
