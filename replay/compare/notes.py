# SPDX-License-Identifier: Apache-2.0
"""What a reader should know before believing a comparison of two traces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay.compare.cast import Cast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.tables import TraceTables


def notes(actual: TraceTables, expected: TraceTables) -> Iterator[str]:
    """Say what looks like a mistake; nothing where nothing does."""
    here, there = Cast.of(actual), Cast.of(expected)
    if here.scenario and there.scenario and here.scenario != there.scenario:
        yield f"these are two scenarios, {here.scenario} and {there.scenario}"
        return
    for name in sorted(here.parameters.keys() & there.parameters.keys()):
        values = here.parameters[name], there.parameters[name]
        if values[0] != values[1]:
            yield f"parameter {name} is {values[0]} in ACTUAL and {values[1]} in EXPECTED"
    if not there.actors or _is_simulated(expected):
        return
    if _is_simulated(actual):
        yield (
            "ACTUAL is simulated and EXPECTED recorded: only a simulation says what may happen "
            "otherwise, and is to be EXPECTED"
        )
    else:
        yield (
            "EXPECTED is recorded, so that what the scenario leaves open counts as different; "
            "name the scenario instead"
        )


def _is_simulated(trace: TraceTables) -> bool:
    return isinstance(trace.metadata.get("simulation"), dict)
