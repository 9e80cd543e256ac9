# SPDX-License-Identifier: Apache-2.0
"""What the second argument of `compare` may be: a trace, a scenario, an expectation file."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from replay.compare.cast import Cast
from replay.compare.expectation import expectation_of, is_expectation
from replay.compare.freedom import Freedom, freedom_of
from replay.compare.from_trace import account_of
from replay.compare.notes import notes
from replay.model.load import bundled_models, load_model, model_for
from replay.recording import Recording
from replay.scenario.compiling import compile_plan
from replay.scenario.library import library_names, open_scenario
from replay.scenario.reading import read_scenario, with_parameters
from replay.simulator.simulation import is_simulated, simulate
from replay.yaml_positions import read_yaml
from traces.errors import STATUS_UNUSABLE_INPUT, ProctraceError
from traces.reader import open_trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from replay.compare.account import Account
    from replay.compare.cast import RegionPages
    from replay.compare.tolerance import Tolerance
    from replay.model.values import Model
    from replay.scenario.scenario import Scenario
    from replay.tables import TraceTables

TEXT_ENDINGS: Final = frozenset({".yaml", ".yml", ".json"})
"""Names of files that are scenarios or expectations end with these."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected, and what it leaves open."""

    account: Account
    freedom: Freedom = field(default_factory=Freedom)
    tolerances: tuple[Tolerance, ...] = ()
    regions: tuple[RegionPages, ...] = ()
    """Where its regions lie in an actual trace that is no run of a scenario."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conditions:
    """How a scenario is to be simulated."""

    settings: Sequence[str]
    """`name=value` each, beside those of the actual trace."""
    model: str
    """Empty: that of the kernel of the actual trace."""


def expected_from(word: str, actual: TraceTables, conditions: Conditions) -> Expected:
    """Find out what a word is, and read it; ProctraceError where it is nothing of the kind."""
    path = Path(word)
    if path.suffix in TEXT_ENDINGS:
        value = read_yaml(path)
        if is_expectation(value):
            _refuse_conditions(conditions)
            found = expectation_of(value)
            return Expected(found.account, Freedom(), found.tolerances, found.regions)
        return expected_scenario(read_scenario(path), actual, conditions)
    if not path.exists() and "/" not in word and (word in library_names() or "." not in word):
        return expected_scenario(open_scenario(word), actual, conditions)
    _refuse_conditions(conditions)
    return expected_trace(open_trace(path), actual)


def _refuse_conditions(conditions: Conditions) -> None:
    if conditions.settings or conditions.model:
        raise ProctraceError(
            "--set and --model are about scenarios",
            "what is expected is no scenario here",
            "leave them away, or name a scenario",
            status=STATUS_UNUSABLE_INPUT,
        )


def expected_trace(trace: TraceTables, actual: TraceTables) -> Expected:
    """Expect what a trace holds; of a simulated one with what it leaves open."""
    account = account_of(trace, ordered=is_simulated(dict(trace.metadata)))
    return Expected(account, freedom_of(trace, account), notes=tuple(notes(actual, trace)))


def expected_scenario(scenario: Scenario, actual: TraceTables, conditions: Conditions) -> Expected:
    """Simulate a scenario as the actual trace was run, and expect that."""
    told = [
        f"{name}={value}"
        for name, value in Cast.of(actual).parameters.items()
        if name in scenario.parameters and Cast.of(actual).scenario == scenario.name
    ]
    found = with_parameters(scenario, [*told, *conditions.settings])
    parameters = {name: one.default for name, one in found.parameters.items()}
    model = load_model(conditions.model) if conditions.model else _model_of(actual)
    done = simulate(compile_plan(found), model, 0, parameters)
    with tempfile.NamedTemporaryFile(suffix=".ptrace") as file:
        with Path(file.name).open("wb") as written:
            done.write(written)
        return expected_trace(open_trace(file.name), actual)


def _model_of(actual: TraceTables) -> Model:
    """Give the model that a simulated trace was made with, else that of its kernel."""
    told = actual.metadata.get("simulation")
    name = told.get("model") if isinstance(told, dict) else None
    if isinstance(name, str) and name in {model.name for model in bundled_models()}:
        return load_model(name)
    return model_for(Recording.of(actual).kernel).model
