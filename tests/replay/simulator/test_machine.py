# SPDX-License-Identifier: Apache-2.0
"""Running plans: barriers, signals, mappings, and what can never go on."""

from __future__ import annotations

import pytest

from tests.replay.simulator.pages import classes
from tests.replay.simulator.rebuilt import Rebuilt
from tests.replay.simulator.told import acted
from traces.errors import ProctraceError

MEET = """
regions: {r: {pages: 2}}
actors:
  p: [{map: r}, {fork: c}, {barrier: x}, {write: r}]
  c: [{write: r}, {barrier: x}, {barrier: y}]
"""


@pytest.mark.parametrize("seed", range(8))
def test_a_barrier_orders(seed: int) -> None:
    """All before it is before all after it, whatever the seed."""
    told = Rebuilt(MEET, seed=seed)
    by = {row["tid"]: row["time_ns"] for row in told.rows("fault")}
    assert by[told.pid("c")] < by[told.pid("p")]


def test_who_waits_for_ever_is_named() -> None:
    """A barrier that somebody cannot reach."""
    text = "actors: {p: [{vfork: c}, {barrier: x}], c: [{barrier: x}]}"
    with pytest.raises(ProctraceError) as caught:
        acted(text)
    assert caught.value.what == "the scenario told does not come to an end"
    assert caught.value.why == "p waits for its vfork child at operation 1"
    assert caught.value.status == 2


def test_a_pause_lasts_until_a_signal() -> None:
    """The one that is killed has come there before."""
    text = "actors: {p: [{fork: c}, {kill: {actor: c, signal: USR1}}, {wait: c}], c: [pause]}"
    for seed in range(5):
        told = Rebuilt(text, seed=seed)
        assert told.rows("wait")[0]["status"] == 10
    assert len(Rebuilt("actors: {p: [pause]}").rows("end_task")) == 1


@pytest.mark.parametrize("steps", ["{write: r}", "{map: r}, {unmap: r}, {read: r}"])
def test_a_region_that_is_not_mapped_ends_its_process(steps: str) -> None:
    """SIGSEGV, raised by the kernel, after a fault that never completed."""
    told = Rebuilt(f"regions: {{r: {{pages: 2}}}}\nactors: {{p: [{steps}]}}")
    end = told.process("p").end
    assert end is not None
    assert end.signal == 11
    assert told.rows("signal")[0]["code"] == 1
    assert told.rows("exit")[0]["min_flt"] == 0
    assert told.done.status == 128 + 11
    assert classes(told.done)["p"] == ["incomplete"]


def test_pages_before_one_that_is_not_there_are_touched() -> None:
    """The process ends at the first that the fork did not give it."""
    advice = "{madvise: {region: r, advice: DONTFORK, first: 3, count: 1}}"
    told = Rebuilt(f"""
regions: {{r: {{pages: 5}}}}
actors: {{p: [{{map: r}}, {advice}, {{fork: c}}, {{wait: c}}], c: [{{write: r}}]}}
""")
    assert classes(told.done)["c"] == [*["first_touch"] * 3, "incomplete"]
    assert told.rows("wait")[0]["status"] == 11


def test_mappings_are_calls() -> None:
    """Mapped at the region's place, its advice, and what undoes it."""
    told = Rebuilt("""
regions: {r: {pages: 2}, f: {pages: 3, kind: private file}}
actors:
  p:
    - map: r
    - map: f
    - madvise: {region: r, advice: DONTNEED, first: 1}
    - madvise: {region: f, advice: WIPEONFORK}
    - unmap: r
    - madvise: {region: r, advice: DONTNEED}
""")
    rows = told.rows("mapping_call")
    assert [(row["syscall"], row["arg2"], row["result"]) for row in rows] == [
        (9, 3, 0x1000_0000_0000), (28, 15, 0), (9, 3, told.done.plan.regions[1].address),
        (28, 4, 0), (28, 18, -22), (11, 0, 0), (28, 4, -12),
    ]  # fmt: skip
    assert [row["arg3"] for row in rows if row["syscall"] == 9] == [0x32, 0x12]
    assert [row["file_ino"] for row in rows if row["syscall"] == 9] == [0, 2]


def test_an_executed_actor_goes_on() -> None:
    """With its own name and an image without regions."""
    told = Rebuilt("""
regions: {r: {pages: 2}}
actors:
  p: [{map: r}, {write: r}, {exec: q}]
  q: [{map: r}, {write: r}, {exit: 6}]
""")
    assert len(told.rows("exec")) == 2
    assert told.rows("exit")[0]["comm"] == b"q"
    assert told.rows("exit")[0]["min_flt"] == 4
    assert told.done.status == 6
