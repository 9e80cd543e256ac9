# SPDX-License-Identifier: Apache-2.0
"""How long it takes to hold a recording against the model of its kernel, and in how much memory.

    python -m tests.bench.checks [FORKS]

Needs root: it records a fork storm with steps and faults, some 125 events a fork.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from replay.checks.registry import CHECKS
from replay.checks.run import run_checks, status
from replay.model.load import model_for
from replay.recording import Recording
from tests.bench import interleaved
from tests.bench.interleaved import PROCTRACE
from traces.reader import open_trace
from traces.schema import TABLES

_FORKS = 8_000


def main() -> None:
    """Record once, check once, and print a line."""
    forks = int(sys.argv[1]) if len(sys.argv) > 1 else _FORKS
    with tempfile.TemporaryDirectory(prefix="proctrace-bench-") as name:
        folder = Path(name)
        recording = folder / "storm.ptrace"
        words = (PROCTRACE, "record", "-f", "-o", str(recording), "--")
        interleaved.run_ns(words, interleaved.build("fork_storm", folder), forks)
        began, used = time.perf_counter(), time.process_time()
        trace = open_trace(recording)
        verdicts = run_checks(trace, model_for(Recording.of(trace).kernel).model)
        seconds, used = time.perf_counter() - began, time.process_time() - used
        assert status(verdicts) == 0, [one.rule for one in verdicts if one.violated]
        events = sum(trace.rows(table) for table in TABLES)
    cases = sum(verdict.count for verdict in verdicts)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sys.stdout.write(
        f"{forks} forks, {events} events, {len(CHECKS)} rules, {cases} cases in {seconds:.2f} s "
        f"({used:.2f} s of CPU); peak memory {peak_mib} MiB\n"
    )


if __name__ == "__main__":
    main()
