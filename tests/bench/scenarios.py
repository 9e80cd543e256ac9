# SPDX-License-Identifier: Apache-2.0
"""Runs scenarios for real, many times and several at once, and compares each with the simulator's.

    python -m tests.bench.scenarios [--runs N] [--random N] [--at-once N] [--folder DIR]
                                    [--json FILE]

Needs root. Unlike its neighbours it asserts: status 1 when a run is not as it was expected, or when
a wrong expectation is not noticed. The traces of such runs stay in the folder.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console
from rich.progress import track
from rich.table import Table

from replay.compare.comparison import Outcome
from replay.compare.from_trace import account_of
from replay.scenario.library import library_names
from replay.scenario.running import runnable
from tests.kernel.scenarios import (
    compared,
    expected_of,
    observable,
    ostep_mistakes,
    random_scenario,
    run,
    told,
)
from tests.replay.compare.test_ostep import LISTS
from traces.reader import open_trace

if TYPE_CHECKING:
    from replay.compare.comparison import Comparison
    from replay.compare.sources import Expected

WRONG_MAX = 12
WRONG_MAX_RANDOM = 1
"""So many wrong expectations are tried of a scenario of the package, and of a random one."""
HEADINGS = ("runs", "equal", "page figures", "permitted", "outcomes", "wrong", "caught")


@dataclass(slots=True)
class Tally:
    """What came of the runs of one scenario, or of all random ones."""

    runs: int = 0
    equal: int = 0
    figures: int = 0
    """Page figures that were compared."""
    otherwise: int = 0
    """Page figures and lives that were not as simulated, and may be."""
    wrong: int = 0
    """Comparisons with a wrong expectation."""
    caught: int = 0
    ways: set[object] = field(default_factory=set)
    """The different outcomes that there were."""
    unlike: list[str] = field(default_factory=list)
    """What was not as it should be."""

    def add(self, name: str, found: Comparison) -> None:
        """Take in a comparison with the right expectation."""
        equal = found.outcome is Outcome.EQUAL
        self.runs += 1
        self.equal += equal
        self.figures += len(found.pages)
        self.otherwise += len(found.permitted)
        self.ways.add(tuple((row.place, row.figure, row.actual) for row in found.pages))
        if not equal:
            self.unlike.append(f"{name}: {'; '.join(told(found)[:3])}")

    def add_wrong(self, name: str, what: str, found: Comparison) -> None:
        """Take in a comparison with a wrong expectation."""
        caught = found.outcome is Outcome.DIFFERENT
        self.wrong += 1
        self.caught += caught
        if not caught:
            self.unlike.append(f"{name}: not noticed: {what}")

    def as_json(self) -> dict[str, object]:
        """Give it as it goes into the JSON file."""
        return {
            "runs": self.runs, "equal": self.equal, "page_figures": self.figures,
            "otherwise_and_permitted": self.otherwise, "different_outcomes": len(self.ways),
            "wrong_expectations": self.wrong, "caught": self.caught, "unlike": self.unlike,
        }  # fmt: skip


class Prediction:
    """What is expected of one scenario, and what would be wrong; made for its first trace."""

    def __init__(self, scenario: str | Path, tally: Tally, wrong_max: int) -> None:
        self.scenario, self.tally = scenario, tally
        self._plan = runnable(str(scenario), "", []).plan
        self._wrong_max = wrong_max
        self._right: Expected | None = None
        self._wrong: list[tuple[str, Expected]] = []

    def judge(self, path: Path) -> None:
        """Compare a trace; it goes away when it is equal to what is right, and to nothing else."""
        trace, name, before = open_trace(path), path.stem, len(self.tally.unlike)
        if self._right is None:
            self._right = expected_of(self._plan, trace)
            self._wrong = [*observable(self._plan, self._right, trace, self._wrong_max)]
        actual = account_of(trace)
        self.tally.add(name, compared(actual, self._right))
        for what, expected in self._wrong:
            self.tally.add_wrong(name, what, compared(actual, expected))
        if len(self.tally.unlike) == before:
            path.unlink()


class OstepPrediction:
    """What Linux makes of an action list of OSTEP's fork.py, and where that one errs."""

    def __init__(self, actions: str, tally: Tally) -> None:
        self.scenario, self.tally = f"--ostep={actions}", tally
        self._actions = actions

    def judge(self, path: Path) -> None:
        """Compare a trace; it goes away when it is as it should be."""
        mistakes = ostep_mistakes(self._actions, open_trace(path))
        self.tally.runs += 1
        self.tally.equal += not mistakes
        self.tally.unlike += [f"{self._actions}: {one}" for one in mistakes]
        if not mistakes:
            path.unlink()


class Job(NamedTuple):
    """One run."""

    prediction: Prediction | OstepPrediction
    output: Path
    seed: int
    """Of delays; 0 for none."""

    def run(self) -> str:
        """Run it; gives what went wrong."""
        try:
            run(self.prediction.scenario, self.output, "-f", "--seed", str(self.seed))
        except AssertionError as error:
            return str(error)
        return ""


def library_jobs(folder: Path, runs: int) -> tuple[dict[str, Tally], list[Job]]:
    """Give the runs of all scenarios of the package, every second one with delays."""
    tallies = {name: Tally() for name in library_names()}
    predictions = {name: Prediction(name, one, WRONG_MAX) for name, one in tallies.items()}
    return tallies, [
        Job(prediction, folder / f"{name}-{at}.ptrace", at % 2 * at)
        for at in range(runs)
        for name, prediction in predictions.items()
    ]


def ostep_jobs(folder: Path) -> tuple[Tally, list[Job]]:
    """Give the runs of action lists."""
    tally = Tally()
    return tally, [
        Job(OstepPrediction(actions, tally), folder / f"ostep-{at}.ptrace", at % 2 * at)
        for at, actions in enumerate(LISTS)
    ]


def random_jobs(folder: Path, count: int) -> tuple[Tally, list[Job]]:
    """Give the runs of random scenarios, one of each."""
    tally, jobs = Tally(), list[Job]()
    for seed in range(count):
        path = random_scenario(seed, folder)
        prediction = Prediction(path, tally, WRONG_MAX_RANDOM)
        jobs.append(Job(prediction, path.with_suffix(".ptrace"), seed % 2 * seed))
    return tally, jobs


def measure(jobs: list[Job], at_once: int, console: Console) -> float:
    """Run and judge all; gives how many seconds that took."""
    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        running = {pool.submit(job.run): job for job in jobs}
        for done in track(as_completed(running), "runs", total=len(jobs), console=console):
            job, failure = running[done], done.result()
            if failure:
                job.prediction.tally.unlike.append(f"{job.output.stem}: {failure}")
            else:
                job.prediction.judge(job.output)
    return time.perf_counter() - began


def _table(tallies: dict[str, Tally]) -> Table:
    table = Table("scenario")
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for name, one in tallies.items():
        table.add_row(
            name, str(one.runs), str(one.equal), str(one.figures), str(one.otherwise),
            str(len(one.ways)), str(one.wrong), str(one.caught),
        )  # fmt: skip
    return table


def main() -> int:
    """Run all, print a table, and write the JSON file where one is named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--random", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("--folder", type=Path, default=Path("build/scenarios"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    console = Console(stderr=True)
    tallies, jobs = library_jobs(options.folder, options.runs)
    seconds = {"library_s": measure(jobs, options.at_once, console)}
    tallies["ostep"], jobs = ostep_jobs(options.folder)
    seconds["ostep_s"] = measure(jobs, options.at_once, console)
    tallies["random"], jobs = random_jobs(options.folder, options.random)
    seconds["random_s"] = measure(jobs, options.at_once, console)
    Console().print(_table(tallies))
    unlike = [text for one in tallies.values() for text in one.unlike]
    for text in unlike:
        console.print(text, markup=False)
    if options.json:
        told = {name: one.as_json() for name, one in tallies.items()}
        options.json.write_text(json.dumps(seconds | {"scenarios": told}, indent=2) + "\n")
    return bool(unlike)


if __name__ == "__main__":
    sys.exit(main())
