# SPDX-License-Identifier: Apache-2.0
"""Scenarios for tests: written, simulated, and opened as any trace is."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from replay.model.load import load_model
from replay.scenario.compiling import compile_plan
from replay.scenario.reading import parse_scenario, with_parameters
from replay.simulator.simulation import Simulation, simulate
from traces.reader import Trace, open_trace
from traces.schema import TABLES

if TYPE_CHECKING:
    from replay.scenario.plan import Plan

HEAD = "scenario: told\nabout: told by a test\n"


def planned(text: str, *settings: str) -> Plan:
    """Give the plan of a scenario without its head."""
    return compile_plan(with_parameters(parse_scenario(HEAD + text, "told"), settings))


def acted(text: str, *settings: str, model: str = "linux-6.18", seed: int = 0) -> Simulation:
    """Simulate a scenario without its head."""
    return simulate(planned(text, *settings), load_model(model), seed, {})


def opened(done: Simulation) -> Trace:
    """Write a simulation to a file and open it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "told.ptrace"
        with path.open("wb") as file:
            done.write(file)
        trace = open_trace(path)
        for name in TABLES:
            trace.table(name)  # keeps it, for the file goes
        return trace
