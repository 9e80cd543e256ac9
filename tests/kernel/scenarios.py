# SPDX-License-Identifier: Apache-2.0
"""Scenarios that are run for real, and right and wrong expectations of them."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from replay.compare.comparison import Outcome, compare_with
from replay.compare.from_trace import account_of
from replay.compare.ostep import NAMES, divergences
from replay.compare.ostep import expected_of as expected_of_ostep
from replay.compare.sources import Conditions, expected_trace
from replay.model.load import model_for
from replay.recording import Recording as Told
from replay.scenario.ostep import Reparenting, parents_after, parse_ostep
from replay.scenario.plan import Code, Operation
from replay.simulator.simulation import simulate
from tests.kernel.orderly import OrderlyScenario
from tests.kernel.recording import Recording, proctrace
from tests.replay.simulator.told import opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from replay.compare.account import Account
    from replay.compare.comparison import Comparison
    from replay.compare.sources import Expected
    from replay.scenario.plan import Plan
    from traces.reader import Trace

MOST_ACTORS = 50
STEPS = 20
"""Of a random actor, at most: some 130 reads and writes of 850 pages in all are then usual."""
_DROPPED = frozenset({Code.WAIT, Code.WAITID, Code.WAIT_ALL, Code.MADVISE, Code.SUBREAPER,
                      Code.IGNORE_CHILDREN})  # fmt: skip


def run(scenario: str | Path, output: Path, *options: str) -> Recording:
    """Run a scenario by the real command; fails unless it came to its end."""
    done = proctrace("run", str(scenario), "-o", output, *options)
    assert done.returncode == 0, (done.returncode, done.stderr.decode())
    return Recording(output, done.returncode, done.stdout, done.stderr)


def random_scenario(seed: int, folder: Path) -> Path:
    """Write a random scenario to a file, the same one for the same seed."""
    path = folder / f"random-{seed}.yaml"
    random = Random(seed)  # noqa: S311 - the same scenario each time
    path.write_text(json.dumps(OrderlyScenario(random, MOST_ACTORS, STEPS).content()))
    return path


def expected_of(plan: Plan, actual: Trace) -> Expected:
    """Simulate a plan for the kernel that a trace was recorded on, and expect that."""
    model = model_for(Told.of(actual).kernel).model
    return expected_trace(opened(simulate(plan, model, 0, {})), actual)


def compared(actual: Account, expected: Expected) -> Comparison:
    """Compare what happened with what was expected."""
    return compare_with(actual, expected)


def told(found: Comparison) -> list[str]:
    """Say what differs, for whom a test fails."""
    return [
        f"{one.subject}: {one.what} {one.figure}: {one.actual}, expected {one.expected}"
        for one in found.differences
    ] or [found.actual.loss.why] * (found.outcome is not Outcome.EQUAL)


def ostep_mistakes(actions: str, actual: Trace) -> list[str]:
    """Say what is not as Linux is to do it, and which divergence of fork.py has no right name."""
    account, mistakes = account_of(actual), list[str]()
    for rule, name in NAMES.items():
        ostep = replace(parse_ostep(actions, actions), reparenting=rule)
        found = compared(account, expected_of_ostep(ostep, actual, Conditions([], "")))
        mistakes += told(found)
        linux, book = parents_after(ostep, Reparenting.LINUX), parents_after(ostep, rule)
        here = found.alignment.to_actual
        numbers = {one: here[at] for one, at in found.expected.named().items() if at in here}
        named = divergences(ostep, account, numbers)
        if {one.process: one.by_ostep for one in named} != {
            who: book[who] for who in linux if book[who] != linux[who]
        }:
            mistakes.append(f"other divergences than those of {name}")
        mistakes += [
            f"{one.process}: {one.name}, by the kernel {one.actual}, by the model {one.by_linux}"
            for one in named
            if (one.name, one.actual) != (name, one.by_linux)
        ]
    return mistakes


def wrong_plans(plan: Plan) -> Iterator[tuple[str, Plan]]:
    """Give plans that are off by one operation, and what is other about each."""
    for at, actor in enumerate(plan.actors):
        for place, operation in enumerate(actor.operations):
            for changed in _changed(operation):
                operations = [*actor.operations]
                operations[place : place + 1] = changed
                what = f"{actor.name}, operation {place}: {operation.code} {operation.numbers}"
                actors = [*plan.actors]
                actors[at] = replace(actor, operations=tuple(operations))
                yield what, replace(plan, actors=tuple(actors))


def _changed(operation: Operation) -> Iterator[list[Operation]]:
    """Give what may stand in place of an operation: another status, fewer pages, or nothing."""
    first, *rest = operation.numbers or (0,)
    if operation.code is Code.EXIT:
        yield [replace(operation, numbers=((first + 1) % 256, *rest))]
    elif operation.code is Code.DIE:
        yield [Operation(Code.EXIT, (0,))]
    elif operation.code in {Code.READ, Code.WRITE} and rest[1]:
        yield [replace(operation, numbers=(first, rest[0], rest[1] - 1, *rest[2:]))]
    elif operation.code in _DROPPED:
        yield []


def observable(
    plan: Plan, right: Expected, actual: Trace, most: int
) -> Iterator[tuple[str, Expected]]:
    """Give wrong expectations that even a simulation of the right plan contradicts: `most` of them.

    The rest is wrong in what no trace shows, as a read of a page that is there.
    """
    wrong = [*wrong_plans(plan)]
    Random(0).shuffle(wrong)  # noqa: S311 - the same ones each time
    found = 0
    for what, changed in wrong:
        if found == most:
            return
        expected = expected_of(changed, actual)
        if compared(right.account, expected).outcome is Outcome.DIFFERENT:
            found += 1
            yield what, expected
