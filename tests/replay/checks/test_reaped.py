# SPDX-License-Identifier: Apache-2.0
"""Wait calls joined with what they took away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay.checks.evidence import Evidence
from replay.checks.reaped import stops
from tests.replay.checks.creating import MODEL, only
from tests.replay.checks.living import end, family, identity, reap
from tests.replay.checks.mutations import life

if TYPE_CHECKING:
    from tests.histories.fake import FakeTrace


def reaped(trace: FakeTrace) -> dict[str, object]:
    """Give the first call that reaped."""
    return Evidence(trace, MODEL).reaped.to_dicts()[0]


def test_a_child_is_found_by_its_pid() -> None:
    """The last that had it and ended before the call returned."""
    trace = life()
    assert reaped(trace)["child_tgid"] == 11
    only(trace, "exit")["time_ns"] = 4_100
    assert reaped(trace)["child_tgid"] is None


def test_a_child_that_lives() -> None:
    """Is told apart from one that is not known at all."""
    trace = life()
    trace.drop("exit")
    assert (reaped(trace)["child_tgid"], reaped(trace)["alive"]) == (None, True)
    trace.drop("newtask")
    assert reaped(trace)["alive"] is False


def test_a_child_in_another_namespace() -> None:
    """Is known to the initial one by its pid there."""
    trace = family(0)
    only(trace).update(pidns_inum=77, ns_tid=1)
    end(trace, identity(11, 1_000), 3_000)
    reap(trace, 11, 4_000)
    assert reaped(trace)["child_start_ns"] == 1_000


def test_a_tracer_is_known_by_a_stop() -> None:
    """That it was told of."""
    trace = life()
    assert reaped(trace)["traces"] is False
    reap(trace, 11, 2_000, 0x137F)
    assert len(stops(trace)) == 1
    assert reaped(trace)["traces"] is True
