# SPDX-License-Identifier: Apache-2.0
"""What recording a fork storm costs beside strace and bpftrace, and how long a start takes.

Each round runs the same storm untraced and under each tracer, one after the other, and a tracer's
cost is the median of its ratios to the untraced run of the same round: what else the machine does
hits all of a round alike. Needs root.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import track
from rich.table import Table

from traces.reader import open_trace

if TYPE_CHECKING:
    from collections.abc import Sequence

PROCTRACE = str(Path(sys.executable).with_name("proctrace"))
SOURCE = Path(__file__).resolve().parent / "programs" / "fork_storm.c"
BPFTRACE_PROGRAM = (
    'tracepoint:sched:sched_process_fork { printf("%llu %d %d\\n", nsecs, pid, args->child_pid); } '
    'tracepoint:sched:sched_process_exit { printf("%llu %d\\n", nsecs, pid); }'
)
# bpftrace looks tracepoints up in tracefs; a mount namespace keeps this mount our own.
WITH_TRACEFS = (
    "unshare",
    "--mount",
    "sh",
    "-c",
    'mountpoint -q /sys/kernel/tracing || mount -t tracefs nodev /sys/kernel/tracing; exec "$@"',
    "sh",
)
UNTRACED = "untraced"


def _tracers(folder: Path) -> dict[str, tuple[str, ...]]:
    """Give, by name, the words that go before the command; only tracers that are installed."""
    found: dict[str, tuple[str, ...]] = {
        UNTRACED: (),
        "proctrace": (PROCTRACE, "record", "-f", "-o", str(folder / "storm.ptrace"), "--"),
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


def _storm_ns(tracer: Sequence[str], storm: Path, count: int) -> int:
    """Give the ns that one fork, exit and wait took under a tracer."""
    result = storm.with_name("result")
    result.unlink(missing_ok=True)
    words = [str(storm), str(count), str(result)]
    command = [*tracer, " ".join(words)] if tracer and tracer[-1] == "-c" else [*tracer, *words]
    done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode:
        sys.exit(f"{command[0]} failed: {done.stderr.decode(errors='replace')}")
    return int(result.read_text())


def _start_to_end_s(folder: Path) -> float:
    """Give the seconds that `proctrace record -- true` takes as a whole."""
    command = [PROCTRACE, "record", "-f", "-o", str(folder / "true.ptrace"), "--", "true"]
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begin


def _summary(samples: dict[str, list[int]]) -> dict[str, dict[str, object]]:
    summary: dict[str, dict[str, object]] = {}
    for name, times_ns in samples.items():
        ratios = [ns / base for ns, base in zip(times_ns, samples[UNTRACED], strict=True)]
        summary[name] = {
            "median_ns": round(statistics.median(times_ns)),
            "ratio": round(statistics.median(ratios), 3),
            "ratio_min": round(min(ratios), 3),
            "ratio_max": round(max(ratios), 3),
            "samples_ns": times_ns,
        }
    return summary


def measure(rounds: int, count: int) -> dict[str, object]:
    """Measure everything and give it as it goes into the JSON file."""
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="proctrace-bench-") as name:
        folder = Path(name)
        storm = folder / "fork_storm"
        subprocess.run(["gcc", "-O2", "-o", storm, SOURCE], check=True)
        tracers = _tracers(folder)
        samples: dict[str, list[int]] = {tracer: [] for tracer in tracers}
        starts = []
        for _ in track(range(rounds), "rounds", console=console, disable=not console.is_terminal):
            for tracer, words in tracers.items():
                samples[tracer].append(_storm_ns(words, storm, count))
            starts.append(_start_to_end_s(folder))
        recording = folder / "storm.ptrace"
        return {
            "schema_version": 1,
            "host": f"Linux {platform.release()}, {os.cpu_count()} CPUs",
            "rounds": rounds,
            "forks_per_round": count,
            "fork_exit_wait": _summary(samples),
            "record_true_s": {"median": round(statistics.median(starts), 3), "samples": starts},
            "lost_rows": open_trace(recording).rows("lost"),
            "file_bytes_per_process": round(recording.stat().st_size / count, 1),
        }


def _show(result: dict[str, object]) -> None:
    console = Console()
    table = Table(
        "tracer",
        "µs per fork+exit+wait",
        "ratio",
        "lowest",
        "highest",
        title=f"{result['rounds']} rounds of {result['forks_per_round']}, {result['host']}",
    )
    rows = result["fork_exit_wait"]
    assert isinstance(rows, dict)
    for name, row in rows.items():
        ratios = (f"{row[key]:.2f}" for key in ("ratio", "ratio_min", "ratio_max"))
        table.add_row(name, f"{row['median_ns'] / 1000:.1f}", *ratios)
    console.print(table)
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
