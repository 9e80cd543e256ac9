# SPDX-License-Identifier: Apache-2.0
"""What recording a fork storm costs beside strace and bpftrace, and how long a start takes.

Needs root. See `interleaved.py` for how the ratios come about.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import track

from tests.bench import interleaved
from tests.bench.interleaved import PROCTRACE, UNTRACED, WITH_TRACEFS
from traces.reader import open_trace

BPFTRACE_PROGRAM = (
    'tracepoint:sched:sched_process_fork { printf("%llu %d %d\\n", nsecs, pid, args->child_pid); } '
    'tracepoint:sched:sched_process_exit { printf("%llu %d\\n", nsecs, pid); }'
)


def _tracers(folder: Path) -> dict[str, tuple[str, ...]]:
    """Give, by name, the words that go before the command; only tracers that are installed."""
    record = (PROCTRACE, "record", "-f", "-o", str(folder / "storm.ptrace"))
    found: dict[str, tuple[str, ...]] = {
        UNTRACED: (),
        "proctrace, processes": (*record, "--no-faults", "--no-steps", "--"),
        "proctrace, and steps": (*record, "--no-faults", "--"),
        "proctrace, and faults": (*record, "--"),
    }
    if shutil.which("strace"):
        trace = "trace=process"
        found["strace -f"] = ("strace", "-f", "-e", trace, "-o", str(folder / "strace"))
    if shutil.which("bpftrace"):
        found["bpftrace fork+exit"] = (
            *WITH_TRACEFS,
            *("bpftrace", "-o", str(folder / "bpftrace"), "-e", BPFTRACE_PROGRAM, "-c"),
        )
    return found


def _start_to_end_s(folder: Path) -> float:
    """Give the seconds that `proctrace record -- true` takes as a whole."""
    command = [PROCTRACE, "record", "-f", "-o", str(folder / "true.ptrace"), "--", "true"]
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begin


def measure(rounds: int, count: int) -> dict[str, object]:
    """Measure everything and give it as it goes into the JSON file."""
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="proctrace-bench-") as name:
        folder = Path(name)
        storm = interleaved.build("fork_storm", folder)
        tracers = _tracers(folder)
        samples: dict[str, list[int]] = {tracer: [] for tracer in tracers}
        starts = []
        for _ in track(range(rounds), "rounds", console=console, disable=not console.is_terminal):
            for tracer, words in tracers.items():
                samples[tracer].append(interleaved.run_ns(words, storm, count))
            starts.append(_start_to_end_s(folder))
        recording = folder / "storm.ptrace"
        return {
            "schema_version": 1,
            "host": interleaved.host(),
            "rounds": rounds,
            "forks_per_round": count,
            "fork_exit_wait": interleaved.summary(samples),
            "record_true_s": {"median": round(statistics.median(starts), 3), "samples": starts},
            "lost_rows": open_trace(recording).rows("lost"),
            "file_bytes_per_process": round(recording.stat().st_size / count, 1),
        }


def _show(result: dict[str, object]) -> None:
    console = Console()
    title = f"{result['rounds']} rounds of {result['forks_per_round']}, {result['host']}"
    rows = result["fork_exit_wait"]
    console.print(interleaved.table(rows, "µs per fork+exit+wait", title, unit_ns=1000))
    start = result["record_true_s"]
    assert isinstance(start, dict)
    console.print(f"proctrace record -- true: {start['median']:.2f} s from start to end (median)")
    lost, size = result["lost_rows"], result["file_bytes_per_process"]
    console.print(f"last recording: {lost} losses, {size} bytes of file per process")


def main() -> None:
    """Measure, show a table, write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--count", type=int, default=2000, help="forks in a round")
    parser.add_argument("--json", type=Path, help="where to write the result")
    arguments = parser.parse_args()
    result = measure(arguments.rounds, arguments.count)
    _show(result)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
