# SPDX-License-Identifier: Apache-2.0
"""Where the heap ended before each call of brk."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from replay.memory.brks import breaks_before
from replay.memory.ranges import ints
from replay.memory.spaces import AddressSpaces
from tests.histories.memory import MemoryHistory

BRK = 12


def _executed(end: int = 0x10000) -> MemoryHistory:
    """Give a history of sh, whose new image has a heap that begins (and ends) at an address."""
    history = MemoryHistory()
    history.execs("sh")
    history.trace.rows["exec"][0]["start_brk"] = end
    return history


def _before(history: MemoryHistory) -> list[int]:
    trace = history.trace
    spaces = AddressSpaces.from_trace(trace)
    rows = trace.table("mapping_call").sort("time_ns")
    columns = (spaces.assign(rows)["space"], rows["time_ns"], rows["result"])
    space, time_ns, result = (ints(column.to_list()) for column in columns)
    return list(map(int, breaks_before(trace, spaces, (space, time_ns, result))))


def _brk(history: MemoryHistory, who: str, end: int) -> None:
    history.call(who, BRK, end, result=end)


def test_a_new_image_says_where_its_heap_begins() -> None:
    """From there on each call ends where the one before did."""
    history = _executed()
    for end in (0x10000, 0x13000, 0x11000):
        _brk(history, "sh", end)
    assert _before(history) == [0x10000, 0x10000, 0x13000]


def test_the_first_call_of_an_unknown_heap_tells_only_of_the_next() -> None:
    """Before it nothing is known: 0."""
    history = MemoryHistory()
    _brk(history, "sh", 0x20000)
    _brk(history, "sh", 0x21000)
    assert _before(history) == [0, 0x20000]


def test_a_heap_that_was_there_at_the_start() -> None:
    """It ended where /proc/PID/maps said, in whole pages; the heap of a new image is another."""
    history = MemoryHistory()
    tgid = history.threads["sh"].tid
    heap = {"path": b"[heap]", "address": 0x4000, "end": 0x8000}
    history.made.add("start_mapping", tgid=tgid, prot=3, **heap)  # type: ignore[arg-type]
    _brk(history, "sh", 0x9000)
    history.execs("sh")
    history.trace.rows["exec"][0]["start_brk"] = 0x70000
    _brk(history, "sh", 0x71000)
    assert _before(history) == [0x8000, 0x70000]


def test_a_child_goes_on_where_its_parent_was_at_the_fork() -> None:
    """What the parent does later is not its concern; nor is what a child does the parent's."""
    history = _executed()
    _brk(history, "sh", 0x12000)
    history.tell("sh forks a")
    _brk(history, "sh", 0x14000)
    _brk(history, "a", 0x13000)
    _brk(history, "sh", 0x15000)
    assert _before(history) == [0x10000, 0x12000, 0x12000, 0x14000]


def test_through_generations_without_a_call() -> None:
    """The heap of a grandchild began with the grandparent, though its parent never moved it."""
    history = _executed()
    _brk(history, "sh", 0x12000)
    history.tell("sh forks a, a forks b, b forks c")
    _brk(history, "sh", 0x18000)
    _brk(history, "c", 0x13000)
    assert _before(history) == [0x10000, 0x12000, 0x12000]


def test_threads_and_vfork_have_one_heap() -> None:
    """It is the heap of the address space, whoever calls."""
    history = _executed()
    history.tell("sh threads_off t, sh vforks v")
    for who in ("t", "v", "sh"):
        _brk(history, who, 0x12000 + 0x1000 * len(who))
    assert _before(history) == [0x10000, 0x13000, 0x13000]


def test_no_calls() -> None:
    """Then nothing is to be told, whether an image is known or not."""
    assert _before(_executed()) == []
    assert _before(MemoryHistory()) == []


@given(
    st.lists(st.tuples(st.sampled_from("fab"), st.integers(0, 3), st.integers(0, 5)), max_size=14)
)
def test_against_one_call_after_another(steps: list[tuple[str, int, int]]) -> None:
    """The same as from a heap that every process keeps for itself and copies at a fork."""
    history = _executed()
    ends, expected = {"sh": 0x10000}, []
    for number, (what, who, pages) in enumerate(steps):
        name = list(ends)[who % len(ends)]
        if what == "f":
            history.forks(name, f"p{number}")
            ends[f"p{number}"] = ends[name]
        else:
            expected.append(ends[name])
            ends[name] = 0x20000 + (pages << 12)
            _brk(history, name, ends[name])
    assert _before(history) == expected
