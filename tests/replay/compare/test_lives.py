# SPDX-License-Identifier: Apache-2.0
"""What processes did, compared one after the other."""

from __future__ import annotations

import pytest

from replay.compare.difference import Sureness
from tests.replay.compare.runs import FAMILY, compared, run, said, told


@pytest.mark.parametrize(
    ("change", "to", "differences"),
    [
        ("{exit: 3}", "{exit: 4}", [("end", "c", "exit 4", "exit 3")]),
        ("{exit: 3}", "{exit: {signal: KILL}}", [("end", "c", "SIGKILL", "exit 3")]),
        ("{fork: d}, ", "{vfork: d}, ",
         [("creation", "d", "vfork", "fork"), ("pages heap/shared", "d", "0", "8")]),
        ("/bin/true", "/bin/false", [("programs", "d", "false", "true")]),
        ("{wait: d}, ", "{wait: d}, {wait: any}, ",
         [("waits that found nobody", "p", "1", "0")]),
        ("{fork: d}, {wait: c}, {wait: d}, ", "{wait: c}, ",
         [("missing process", "d", "", "fork, true, exit 0")]),
    ],
)  # fmt: skip
def test_what_differs_is_named(
    change: str, to: str, differences: list[tuple[str, str, str, str]]
) -> None:
    """And nothing besides it."""
    found = told(FAMILY.replace(change, to), FAMILY)
    assert said(found) == differences
    assert {one.sureness for one in found.differences} == {Sureness.CERTAIN}


def test_a_thread_more() -> None:
    """By number, and by how it ended."""
    text = "actors: {p: [{barrier: j}, {exit: 2}], c: [{exit_thread: 0}]}"
    more = "actors: {p: [{thread: c}, {barrier: j}, {exit: 2}], c: [{barrier: j}, pause]}"
    assert said(told(more, text.replace(", c: [{exit_thread: 0}]", ""))) == [
        ("threads", "p", "1", "0"), ("ends of threads", "p", "exit 2", "none"),
    ]  # fmt: skip


def test_more_than_expected() -> None:
    """Unless the expectation is not whole."""
    fewer = FAMILY.replace("{fork: d}, {wait: c}, {wait: d}, ", "{wait: c}, ")
    assert said(told(FAMILY, fewer)) == [("unexpected process", "d", "fork, true, exit 0", "")]


def test_a_refused_call() -> None:
    """Is told by its errno."""
    text = "actors: {p: [{clone: {actor: c, flags: [SIGHAND]}}], c: }"
    (only,) = said(told(text, "actors: {p: [], c: }"))
    assert only == ("failed calls", "p", "clone EINVAL", "none")


def test_the_wrong_parent() -> None:
    """The child of a sibling."""
    expected = "actors: {p: [{fork: a}, {wait: all}], a: [{fork: b}, {wait: all}], b: }"
    actual = "actors: {p: [{fork: a}, {fork: b}, {wait: all}], a: [{wait: all}], b: }"
    whats = [one[:2] for one in said(told(actual, expected))]
    assert ("parent at birth", "b") in whats


def test_the_order_of_creation() -> None:
    """Of one thread, it is given."""
    expected = "actors: {p: [{fork: a}, {fork: b}, {wait: all}], a: , b: }"
    actual = "actors: {p: [{fork: b}, {fork: a}, {wait: all}], a: , b: }"
    assert said(told(actual, expected)) == [("order of creation", "a", "after b", "before b")]


def test_threads_that_end_with_their_process() -> None:
    """Whether one came to its own end before is a question of time."""
    text = "actors: {p: [{thread: t}, {exit: 7}], t: [{exit_thread: 0}]}"
    ends = set()
    for seed in range(12):
        actual = run(text, seed)
        found = compared(actual, run(text))
        assert not found.differences
        ends.add(found.actual.members[0].thread_ends)
    assert ends == {("exit 0",), ("exit 7",)}


def test_what_was_recorded_differs_for_certain() -> None:
    """Whatever else was lost."""
    changed = FAMILY.replace("exit: 3", "exit: 4").replace("{wait: c}, ", "")
    actual, expected = run(changed), run(FAMILY)
    actual.add("lost", ring=b"events", count=3)
    found = {str(one.what): one.sureness for one in compared(actual, expected).differences}
    assert found["end"] is Sureness.CERTAIN
    assert found["what became of its end"] is Sureness.LOSS


def test_an_end_that_is_not_there_may_be_lost() -> None:
    """Whoever runs on."""
    text = "actors: {p: [{fork: c}], c: [THIS]}"
    actual = run(text.replace("THIS", "pause"))
    expected = run(text.replace("THIS", "{exit: 1}"))
    for lossy, sureness in ((False, Sureness.CERTAIN), (True, Sureness.LOSS)):
        if lossy:
            actual.add("lost", ring=b"events", count=3)
        found = {str(one.what): one.sureness for one in compared(actual, expected).differences}
        assert found["end"] is sureness


def test_what_may_be_lost() -> None:
    """An end, a creation: not for certain then."""
    for table in ("exit", "newtask", "wait", "exec", "fault"):
        actual, expected = run(FAMILY), run(FAMILY)
        row = actual.rows[table][-1]
        actual.lose(table, time_ns=row["time_ns"])
        found = compared(actual, expected)
        assert found.differences or table in {"exit", "wait"}, table
        assert Sureness.CERTAIN not in {one.sureness for one in found.differences}
        assert found.outcome.value == 3
