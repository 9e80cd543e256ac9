# SPDX-License-Identifier: Apache-2.0
"""The memory of a whole recording."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from replay.memory.contradictions import contradictions
from replay.memory.counts import task_counts
from replay.memory.cow import CowKey, cow_by
from replay.memory.fork_costs import fork_costs
from replay.memory.history import PageHistories
from replay.memory.walk import NOWHERE
from tests.histories.fake import FakeTrace
from tests.histories.memory import remember
from traces.schema import TABLES

_WIDTHS = {"u64": 64, "i64": 63, "u32": 32, "i32": 31, "u16": 16, "i16": 15, "u8": 8}
_NUMBERS = (0, 1, 2, 3, 6, 9, 10, 11, 12, 25, 28, 4096, 8192, 2**52, 2**64 - 1)
_READ = ("adopted", "newtask", "exec", "exit", "fault", "mapping_call", "segment", "module",
         "symbol")  # fmt: skip


def test_faults_have_their_address_space_and_class() -> None:
    """In the order of the file, with all that was recorded."""
    history = remember("sh writes 5, sh forks a, a writes 5")
    history.made.add("fault", time_ns=1, tid=9, flags=4)
    faults = history.memory().faults
    assert faults["space"].to_list() == [0, 1, NOWHERE]
    assert faults["class"].to_list() == ["first_touch", "copy", "unknown"]
    assert faults.columns[:-2] == list(TABLES["fault"].column_names())


def test_an_empty_trace() -> None:
    """It has no memory."""
    memory = PageHistories.from_trace(FakeTrace())
    assert memory.faults.is_empty()
    assert fork_costs(memory).is_empty()
    assert contradictions(memory) == []


@st.composite
def _traces(draw: st.DrawFn) -> FakeTrace:
    """Give rows of any numbers, small ones often, so that they meet."""
    trace = FakeTrace()
    for name in _READ:
        for _ in range(draw(st.integers(0, 4))):
            row = {}
            for column in TABLES[name].columns:
                if column.type != "bytes":
                    most = 2 ** _WIDTHS[column.type] - 1
                    row[column.name] = min(draw(st.sampled_from(_NUMBERS)), most)
            trace.add(name, **row)
    return trace


@settings(max_examples=50)
@given(_traces())
def test_no_trace_makes_it_fail(trace: FakeTrace) -> None:
    """Whatever its rows say."""
    memory = PageHistories.from_trace(trace)
    assert len(memory.faults) == len(trace.rows.get("fault", []))
    fork_costs(memory)
    contradictions(memory)
    task_counts(trace, memory)
    for key in CowKey:
        cow_by(memory, key)
