# SPDX-License-Identifier: Apache-2.0
"""What a simulated trace says to be open."""

from __future__ import annotations

from collections import Counter

from replay.compare.account import Place
from replay.compare.freedom import Freedom, OpenWrite, Span, freedom_of
from replay.compare.from_trace import account_of
from tests.histories.fake import FakeTrace
from tests.replay.compare.runs import run

RACE = """
regions: {heap: {pages: 8}}
actors:
  p: [{map: heap}, {write: heap}, {fork: c}, {write: heap}, {wait: c}]
  c: [{write: heap}]
"""


def test_writes_in_any_order() -> None:
    """One of the two copies each page, or both."""
    trace = run(RACE)
    found = freedom_of(trace, account_of(trace))
    (one,) = found.writes
    assert (one.region, one.pages, one.members()) == ("heap", 8, frozenset({0, 1}))
    taken = Counter(one.taken)
    copies = found.span("heap", "c")
    assert copies == Span(8 * (taken["c"] - 1), 8 * (2 - taken["c"]))
    assert found.span("heap", "cr", 0) == Span(0, 0)
    assert found.span("other", "c") == Span(0, 0)


def test_what_does_not_say_what_may_happen_leaves_it_undetermined() -> None:
    """No way at all, or ways that are of another length."""
    for ways in ((), ("cc",), ("c", "r", "cr")):
        found = Freedom()
        found.add_write(OpenWrite("heap", 5, (3,), ways, "c"))
        assert found.undetermined == Counter({Place(3, "heap"): 5})
        assert not found.writes


def test_all_kinds_of_rows() -> None:
    """Each by the members of its actors; names that nobody has are left out."""
    trace = FakeTrace()
    trace.add("open", what=1, region=b"r", pages=2, others=b"a\0b\0", permitted=b"cr\0rc\0",
              reported=b"cr")  # fmt: skip
    trace.add("open", what=2, actor=b"a", others=b"b\0x\0", none=1)
    trace.add("open", what=3, actor=b"a", others=b"b\0")
    trace.add("open", what=3, actor=b"a", others=b"b\0", none=1)
    trace.add("open", what=4, actor=b"a", others=b"b\0x\0", none=1)
    trace.add("open", what=5, region=b"r", pages=9, others=b"b\0")
    trace.add("open", what=99, actor=b"a", others=b"b\0")
    found = Freedom.of(trace, {"a": 0, "b": 1})
    assert [one.writers for one in found.writes] == [(0, 1)]
    assert dict(found.waiters) == {1: {0}}
    assert found.polls == Counter({0: 2})
    assert found.orphans == {1}
    assert (found.threads, found.maybe, found.ends) == ({"a"}, {"b", "x"}, {"a"})
    assert found.anything == Counter({Place(1, "r"): 9})
