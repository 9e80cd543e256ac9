# SPDX-License-Identifier: Apache-2.0
"""Processes of an expectation file."""

from __future__ import annotations

import pytest

from replay.compare.account import NOBODY, Fate, Place
from replay.compare.expected_processes import ProcessReader
from replay.yaml_positions import parse_yaml
from traces.errors import ProctraceError


def read(text: str) -> ProcessReader:
    """Read a list of processes."""
    return ProcessReader.of(parse_yaml(text, "x"))


def test_all_that_a_process_may_state() -> None:
    """And that it does not state is not known."""
    found = read("""
- name: a
  program: sh
  programs: [bash, sh]
  born: before
  exit: 3
  threads: 2
  failed_calls: [exec ENOENT, clone EINVAL]
  waits_that_found_nobody: 1
  last_parent: outside
  children:
    - {name: b, born: fork, signal: KILL, reaper: a, pages: {heap: {copied: 2}}}
    - {name: c, running: true, fate: never-waited}
- {program: ls, child_of: b, reaper: outside}
- {}
""")
    a, b, c, ls, empty = found.members
    assert (a.label, a.program, a.programs, a.born, a.end) == (
        "a", "sh", ("bash", "sh"), "", "exit 3",
    )  # fmt: skip
    assert (a.threads, a.failed_calls, a.waits_without_child, a.guardian) == (
        2, ("clone EINVAL", "exec ENOENT"), 1, NOBODY,
    )  # fmt: skip
    assert (b.parent, b.end, b.fate, b.reaper, b.guardian) == (0, "SIGKILL", Fate.REAPED, 0, None)
    assert (c.end, c.fate) == ("running", Fate.NEVER)
    assert (ls.label, ls.parent, ls.fate) == ("ls", 1, Fate.OUTSIDE)
    assert (empty.label, empty.parent, empty.end, empty.threads) == (
        "process 5",
        NOBODY,
        None,
        None,
    )
    assert found.pages.counts == {Place(1, "heap"): {"copied": 2}}
    assert (a.children, b.children) == ([1, 2], [3])
    assert ProcessReader.of(None).members == []


def test_a_long_chain_needs_no_nesting() -> None:
    """A child names its parent."""
    chain = "- {name: p0}\n" + "".join(
        f"- {{name: p{at}, child_of: p{at - 1}}}\n" for at in range(1, 300)
    )
    assert read(chain).members[299].parent == 298


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("a: 1", "1:1", "processes is to be a list"),
        ("- {nam: a}", "1:4", "a process has no 'nam'"),
        ("- {name: a}\n- {name: a}", "2:10", "'a' is there twice"),
        ("- {name: outside}", "1:10", "'outside' stands for who is not among them"),
        ("- {exit: 1, signal: KILL}", "1:3", "it has exit and signal"),
        ("- {exit: 256}", "1:10", "exit is 256"),
        ("- {signal: NONE}", "1:12", "signal cannot be 'NONE'"),
        ("- {fate: gone}", "1:10", "fate cannot be 'gone'"),
        ("- {reaper: b}", "1:12", "there is no process 'b'"),
        ("- {name: a, child_of: b}\n- {name: b}", "1:23", "b comes after its child"),
        ("- {name: a, child_of: a}", "1:23", "a comes after its child"),
        ("- {name: a, children: [{child_of: a}]}", "1:35", "it stands in its parent already"),
        ("- {pages: {heap: {copy: 1}}}", "1:19", "pages of heap has no 'copy'"),
        ("- {pages: {heap: {copied: -1}}}", "1:27", "copied is -1"),
    ],
)
def test_mistakes_are_told_with_their_place(text: str, where: str, why: str) -> None:
    """Line and column."""
    with pytest.raises(ProctraceError) as caught:
        read(text)
    assert caught.value.what == f"cannot use x:{where}"
    assert caught.value.why.startswith(why)
