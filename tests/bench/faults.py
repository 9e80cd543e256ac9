# SPDX-License-Identifier: Apache-2.0
"""What recording copy-on-write faults costs beside perf and bpftrace, in time and in file size.

    python -m tests.bench.faults [--rounds N] [--pages N] [--json FILE]

Needs root. See `interleaved.py` for how the ratios come about.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import track

from tests.bench import interleaved
from tests.bench.interleaved import PROCTRACE, UNTRACED, WITH_TRACEFS
from traces.reader import open_trace

if TYPE_CHECKING:
    from collections.abc import Sequence

FORKS = 5
PROBE = "tracepoint:exceptions:page_fault_user"
PRINT = r'printf("%llu %d %llx\n", nsecs, tid, args->address);'


def _tracers(folder: Path) -> dict[str, tuple[str, ...]]:
    """Give, by name, the words that go before the command; only tracers that are installed."""
    record = (PROCTRACE, "record", "-f", "-o", str(folder / "storm.ptrace"))
    found: dict[str, tuple[str, ...]] = {
        UNTRACED: (),
        "proctrace": (*record, "--faults", "--no-steps", "--"),
        "proctrace with steps": (*record, "--faults", "--"),
    }
    if shutil.which("perf"):
        sample = ("-q", "-c", "1", "-o", str(folder / "perf.data"), "--")
        found["perf record page-faults"] = ("perf", "record", "-e", "page-faults", *sample)
        found["perf trace -F all"] = (
            *WITH_TRACEFS,
            *("perf", "trace", "-F", "all", "--no-syscalls", "-o", str(folder / "perf"), "--"),
        )
    if shutil.which("bpftrace"):
        found["bpftrace printf"] = (
            *WITH_TRACEFS,
            *("bpftrace", "-o", str(folder / "bpftrace"), "-e", f"{PROBE} {{ {PRINT} }}", "-c"),
        )
    return found


def measure(rounds: int, pages: int) -> dict[str, object]:
    """Measure everything and give it as it goes into the JSON file."""
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="proctrace-bench-") as name:
        folder = Path(name)
        storm = interleaved.build("cow_storm", folder)
        tracers = _tracers(folder)
        samples: dict[str, list[int]] = {tracer: [] for tracer in tracers}
        for _ in track(range(rounds), "rounds", console=console, disable=not console.is_terminal):
            for tracer, words in tracers.items():
                samples[tracer].append(interleaved.run_ns(words, storm, pages, FORKS))
        trace = open_trace(folder / "storm.ptrace")
        faults = trace.rows("fault")
        sizes = {
            name: round((folder / file).stat().st_size / faults, 1)
            for name, file in _files(tracers)
        }
        return {
            "schema_version": 1,
            "host": interleaved.host(),
            "rounds": rounds,
            "cow_faults_per_round": pages * FORKS,
            "write": interleaved.summary(samples),
            "faults_of_last_recording": faults,
            "lost_rows": trace.rows("lost"),
            "file_bytes_per_fault": sizes,
        }


def _files(tracers: dict[str, tuple[str, ...]]) -> Sequence[tuple[str, str]]:
    files = {
        "proctrace with steps": "storm.ptrace",
        "perf record page-faults": "perf.data",
        "bpftrace printf": "bpftrace",
    }
    return [(name, file) for name, file in files.items() if name in tracers]


def _show(result: dict[str, object]) -> None:
    console = Console()
    title = f"{result['rounds']} rounds of {result['cow_faults_per_round']}, {result['host']}"
    console.print(interleaved.table(result["write"], "ns per copied page", title))
    sizes = result["file_bytes_per_fault"]
    assert isinstance(sizes, dict)
    console.print(
        f"last recording: {result['faults_of_last_recording']} faults, {result['lost_rows']} "
        "losses; bytes of file per fault: "
        + ", ".join(f"{name} {size}" for name, size in sizes.items())
    )


def main() -> None:
    """Measure, show a table, write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--pages", type=int, default=20_000)
    parser.add_argument("--json", type=Path, help="where to write the result")
    arguments = parser.parse_args()
    result = measure(arguments.rounds, arguments.pages)
    _show(result)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
