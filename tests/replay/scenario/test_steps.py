# SPDX-License-Identifier: Apache-2.0
"""Each step is read to what it says, and refused where it says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from replay.scenario import scenario as values
from replay.scenario.reading import parse_scenario
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from replay.scenario.scenario import Step

HEAD = "scenario: s\nabout: s\nregions: {heap: {pages: 8}}\nactors:\n  a:\n    - "


def step(text: str) -> Step:
    """Read one step of an actor that may name itself, a, and b."""
    return parse_scenario(f"{HEAD}{text}\n  b:\n", "f").actors["a"].steps[0]


def test_memory_steps() -> None:
    """Regions and pages."""
    found = step("write: {region: heap, first: 1, count: 3, step: 2}")
    assert isinstance(found, values.Access)
    assert found.write
    assert found.pages.count is not None
    numbers = (found.pages.first, found.pages.count, found.pages.step)
    assert [number.value({}) for number in numbers] == [1, 3, 2]
    whole = step("read: heap")
    assert isinstance(whole, values.Access)
    assert (whole.write, whole.pages.count, whole.pages.seed) == (False, None, None)
    drawn = step("read: {region: heap, count: 4, random: 5}")
    assert isinstance(drawn, values.Access)
    assert drawn.pages.seed is not None
    assert isinstance(step("map: heap"), values.Map)
    assert isinstance(step("unmap: heap"), values.Unmap)
    advised = step("madvise: {region: heap, advice: DONTFORK}")
    assert isinstance(advised, values.Madvise)
    assert advised.advice == 10


def test_steps_that_wait_and_end() -> None:
    """With their options and statuses."""
    waits = step("waitid: {for: b, options: [EXITED, NOWAIT]}")
    assert waits == values.Wait("b", 0x01000004, by_id=True, position=waits.position)
    assert step("wait: any") == values.Wait(
        "any", 0, by_id=False, position=step("wait: any").position
    )
    signal = step("exit: {signal: KILL}")
    assert isinstance(signal, values.Die)
    assert signal.signal == 9
    ends = [step("exit: 3"), step("exit_thread: 3")]
    assert [one.whole_process for one in ends if isinstance(one, values.Exit)] == [True, False]
    killed = step("kill: {actor: b, signal: TERM}")
    assert isinstance(killed, values.Kill)
    assert (killed.actor, killed.signal) == ("b", 15)
    assert isinstance(step("pause"), values.Pause)
    assert isinstance(step("barrier: x"), values.Barrier)
    assert isinstance(step("become: subreaper"), values.BecomeSubreaper)
    assert isinstance(step("ignore: CHLD"), values.IgnoreChildren)
    again = step("repeat: {times: 2, steps: [{map: heap}, pause]}")
    assert isinstance(again, values.Repeat)
    assert len(again.steps) == 2


@pytest.mark.parametrize(
    ("text", "column", "why"),
    [
        ("jump: a", 7, "there is no step 'jump'"),
        ("{map: heap, unmap: heap}", 7, "a step is one word, not 2"),
        ("[]", 7, "a step is to be a mapping, not a list"),
        ("write: {region: heap, random: 1}", 14, "random pages need a count"),
        ("write: {region: heap, count: 1, random: 1, step: 2}", 56, "random pages have no step"),
        ("write: {first: 1}", 14, "write needs 'region'"),
        ("wait: {for: all, options: [NOHANG]}", 19, "waiting for all takes no options"),
        ("waitid: all", 15, "waiting for all takes no options"),
        ("wait: {for: b, options: [EXITED]}", 31, "wait4 knows neither EXITED nor NOWAIT"),
        ("waitid: {for: b, options: [STOPPED]}", 33, "waitid without EXITED reports no end"),
        ("exit: 256", 13, "status is 256"),
        ("exit: {signal: STOP}", 22, "signal cannot be 'STOP'"),
        ("ignore: INT", 15, "ignore cannot be 'INT'"),
        ("madvise: {region: heap, advice: FREE}", 39, "advice cannot be 'FREE'"),
    ],
)
def test_a_step_that_says_nothing_is_refused(text: str, column: int, why: str) -> None:
    """At its place."""
    with pytest.raises(ProctraceError) as caught:
        step(text)
    assert caught.value.why == why
    assert caught.value.what == f"cannot use f:6:{column}"


def test_a_region_must_be_declared() -> None:
    """Where there is none, the error says so."""
    with pytest.raises(ProctraceError) as caught:
        parse_scenario("scenario: s\nabout: s\nactors: {a: [{map: heap}]}", "f")
    assert caught.value.why == "the scenario has no regions"
