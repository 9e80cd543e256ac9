# SPDX-License-Identifier: Apache-2.0
"""Who gets the children of a task that ends."""

from __future__ import annotations

from tests.replay.simulator.rebuilt import Rebuilt

CHAIN = """
actors:
  p: [{fork: m}, {wait: m}, pause]
  m: [%s{fork: n}, {wait: n}, {barrier: x}]
  n: [{fork: c}]
  c: [{barrier: x}, pause]
"""


def test_an_ended_subreaper_is_none() -> None:
    """Its children go further up, to init where nobody else asked for them."""
    told = Rebuilt(CHAIN % "{become: subreaper}, ")
    parents = [span.parent for span in told.process("c").parents]
    tgids = [None if parent is None else parent.tgid for parent in parents]
    assert tgids == [told.pid("n"), told.pid("m"), 1]


def test_a_grandparent_as_such_gets_nothing() -> None:
    """Without a subreaper it is init at once."""
    told = Rebuilt(CHAIN % "")
    tgids = [span.parent.tgid for span in told.process("c").parents if span.parent is not None]
    assert tgids == [told.pid("n"), 1]
    assert told.task("c").process.to_init


def test_threads_are_before_all_others() -> None:
    """A process that has one left keeps its children."""
    told = Rebuilt("""
actors:
  p: [{become: subreaper}, {fork: m}, {wait: m}]
  m: [{fork: c}, {thread: t}, {barrier: x}, {exit_thread: 0}]
  t: [{barrier: x}, {wait: c}]
  c: [{barrier: x}]
""")
    assert told.parent("c") == told.pid("m")
    assert told.task("c").process.reaper is told.task("m").process
