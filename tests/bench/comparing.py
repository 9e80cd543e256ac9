# SPDX-License-Identifier: Apache-2.0
"""How long it takes to compare two traces of a million events.

    python -m tests.bench.comparing [EVENTS]

Once of page faults (a simulated sweep by a garbage collector, as two files), once of process events
alone (the generated trace of `forest.py`). Seconds of the processor are given beside those of the
clock, for other work on the machine counts in the latter.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from replay.compare.comparison import Comparison, Outcome, compare, compare_with
from replay.compare.from_trace import account_of
from replay.compare.sources import expected_trace
from replay.forest import without_collector
from replay.model.load import load_model
from replay.scenario.compiling import compile_plan
from replay.scenario.library import open_scenario
from replay.scenario.reading import with_parameters
from replay.simulator.simulation import simulate
from tests.bench.forest import EVENTS, GeneratedTrace
from traces.reader import open_trace

if TYPE_CHECKING:
    from collections.abc import Callable

_FAULTS_PER_PAGE = 2


def _of_faults(folder: Path, events: int) -> Callable[[], Comparison]:
    """Simulate a sweep twice, in two orders; give what opens and compares both."""
    setting = f"pages={events // _FAULTS_PER_PAGE}"
    plan = compile_plan(with_parameters(open_scenario("gc-sweep"), [setting]))
    paths = [folder / f"{seed}.ptrace" for seed in (1, 2)]
    for seed, path in enumerate(paths):
        with path.open("wb") as file:
            simulate(plan, load_model("linux-6.18"), seed, {}).write(file)

    def compare_files() -> Comparison:
        actual, expected = (open_trace(path) for path in paths)
        return compare_with(account_of(actual), expected_trace(expected, actual))

    return compare_files


def _of_processes(events: int) -> Callable[[], Comparison]:
    """Generate a trace; give what compares it with itself, read twice."""
    trace = GeneratedTrace(events // len(EVENTS))
    return lambda: compare(account_of(trace), account_of(trace))


def _measure(name: str, events: int, work: Callable[[], Comparison]) -> None:
    begin_s, begin_cpu_s = time.perf_counter(), time.process_time()
    with without_collector():
        found = work()
    wall_s, cpu_s = time.perf_counter() - begin_s, time.process_time() - begin_cpu_s
    assert found.outcome is Outcome.EQUAL
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sys.stdout.write(
        f"two traces of {events:,} {name}: {wall_s:.1f} s, {cpu_s:.1f} s of the processor; "
        f"peak memory {peak_mib} MiB\n"
    )


def main() -> None:
    """Measure each once and print a line."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        _measure("page faults", events, _of_faults(Path(folder), events))
    _measure("process events", events, _of_processes(events))


if __name__ == "__main__":
    main()
