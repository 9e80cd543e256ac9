# SPDX-License-Identifier: Apache-2.0
"""Scenarios run for real come out as simulated; `make scenarios` runs many more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from replay.compare.comparison import Outcome
from replay.compare.from_trace import account_of
from replay.scenario.library import library_names
from replay.scenario.running import runnable
from tests.kernel.recording import proctrace
from tests.kernel.scenarios import (
    compared,
    expected_of,
    observable,
    random_scenario,
    run,
    told,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.recording import Recording

DELAYS = (0, 5)
"""Seeds: actors run as they will, or with delays, which show other orders."""
RANDOM_SEEDS = range(1000, 1004)


def _acted(scenarios: list[tuple[str | Path, int]], folder: Path) -> list[Recording]:
    """Run scenarios, each with its seed; two at once, so that they disturb each other."""
    numbered = [(*one, folder / f"{at}.ptrace") for at, one in enumerate(scenarios)]
    with ThreadPoolExecutor(2) as pool:
        found = [*pool.map(lambda one: run(one[0], one[2], "--seed", str(one[1])), numbered)]
    for recording in found:
        recording.assert_sound()
    return found


@pytest.mark.parametrize("name", library_names())
def test_a_scenario_of_the_package(name: str, tmp_path: Path) -> None:
    """GIVEN runs in any order, THEN each is as simulated, and no wrong expectation passes."""
    plan = runnable(name, "", []).plan
    traces = [one.trace for one in _acted([(name, seed) for seed in DELAYS], tmp_path)]
    right = expected_of(plan, traces[0])
    wrong = [*observable(plan, right, traces[0], 4)]
    assert wrong
    for trace in traces:
        actual = account_of(trace)
        found = compared(actual, right)
        assert found.outcome is Outcome.EQUAL, told(found)
        for what, expected in wrong:
            assert compared(actual, expected).outcome is Outcome.DIFFERENT, what


def test_random_scenarios(tmp_path: Path) -> None:
    """Whatever actors do, in trees of up to fifty; what is not so is noticed."""
    scenarios = [random_scenario(seed, tmp_path) for seed in RANDOM_SEEDS]
    recordings = _acted([(path, at % 2) for at, path in enumerate(scenarios)], tmp_path)
    for path, recording in zip(scenarios, recordings, strict=True):
        plan, actual = runnable(str(path), "", []).plan, account_of(recording.trace)
        right = expected_of(plan, recording.trace)
        found = compared(actual, right)
        assert found.outcome is Outcome.EQUAL, (path.name, told(found))
        for what, wrong in observable(plan, right, recording.trace, 1):
            assert compared(actual, wrong).outcome is Outcome.DIFFERENT, (path.name, what)


def test_the_commands_agree(tmp_path: Path) -> None:
    """What a user types: run, compare with parameters that the trace tells, and look at it."""
    path = tmp_path / "a.ptrace"
    run("gc-sweep", path, "--set", "pages=40")
    done = proctrace("compare", path, "gc-sweep")
    assert done.returncode == 0, done.stdout.decode()
    assert proctrace("compare", path, "gc-sweep", "--set", "pages=41").returncode == 1
    tree = proctrace("tree", path).stdout.decode()
    assert "[gc-sweep]  # no exec" in tree
    cow = proctrace("cow", path, "--by", "process").stdout.decode()
    assert "40" in cow
