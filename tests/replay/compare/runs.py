# SPDX-License-Identifier: Apache-2.0
"""Scenarios for tests of the comparison: simulated twice, changed, and compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay.compare.comparison import Comparison, compare_with
from replay.compare.from_trace import account_of
from replay.compare.sources import expected_trace
from tests.histories.fake import FakeTrace
from tests.replay.simulator.told import acted, opened
from traces.schema import TABLES

if TYPE_CHECKING:
    from replay.compare.account import Account
    from replay.compare.tolerance import Tolerance
    from replay.simulator.simulation import Simulation

FAMILY = """
regions: {heap: {pages: 8}}
actors:
  p: [{map: heap}, {write: heap}, {fork: c}, {barrier: b}, {write: {region: heap, count: 2}},
      {barrier: e}, {fork: d}, {wait: c}, {wait: d}, {exit: 5}]
  c: [{write: {region: heap, count: 4}}, {barrier: b}, {barrier: e}, {exit: 3}]
  d: [{exec: [/bin/true]}]
"""
"""A parent with two children, of which all is determined."""


def fake(done: Simulation) -> FakeTrace:
    """Give a simulated trace that a test may change."""
    trace = opened(done)
    copy = FakeTrace(metadata=dict(trace.metadata))
    copy.rows = {name: trace.table(name).to_dicts() for name in TABLES}
    return copy


def run(text: str, seed: int = 0, model: str = "linux-6.18") -> FakeTrace:
    """Simulate a scenario without its head."""
    return fake(acted(text, seed=seed, model=model))


def account(text: str, seed: int = 0) -> Account:
    """Give the account of a scenario without its head."""
    return account_of(run(text, seed))


def compared(
    actual: FakeTrace, expected: FakeTrace, tolerances: tuple[Tolerance, ...] = ()
) -> Comparison:
    """Compare two traces as the command does."""
    return compare_with(account_of(actual), expected_trace(expected, actual), tolerances)


def told(actual: str, expected: str, seeds: tuple[int, int] = (0, 0)) -> Comparison:
    """Compare two scenarios without their heads."""
    return compared(run(actual, seeds[0]), run(expected, seeds[1]))


def said(found: Comparison) -> list[tuple[str, str, str, str]]:
    """Give the differences: what, of whom, the actual and the expected value."""
    return [
        (f"{one.what} {one.figure}".strip(), one.subject, one.actual, one.expected)
        for one in found.differences
    ]
