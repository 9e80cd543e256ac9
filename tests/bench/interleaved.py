# SPDX-License-Identifier: Apache-2.0
"""Runs a program untraced and under tracers by turns, and gives what each tracer costs.

Each round runs the same work untraced and under each tracer, one after the other, and a tracer's
cost is the median of its ratios to the untraced run of the same round: what else the machine does
hits all of a round alike.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

PROCTRACE = str(Path(sys.executable).with_name("proctrace"))
PROGRAMS = Path(__file__).resolve().parent / "programs"
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


def host() -> str:
    """Name the machine as far as the figures depend on it."""
    return f"Linux {platform.release()}, {os.cpu_count()} CPUs"


def build(name: str, folder: Path) -> Path:
    """Compile one of the programs into a folder."""
    program = folder / name
    subprocess.run(["gcc", "-O2", "-o", program, PROGRAMS / f"{name}.c"], check=True)
    return program


def run_ns(tracer: Sequence[str], program: Path, *numbers: int) -> int:
    """Run a program under a tracer; give the ns that it wrote to its result file.

    A tracer whose words end with -c takes the command as one word.
    """
    result = program.with_name("result")
    result.unlink(missing_ok=True)
    words = [str(program), *map(str, numbers), str(result)]
    command = [*tracer, " ".join(words)] if tracer and tracer[-1] == "-c" else [*tracer, *words]
    done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode:
        sys.exit(f"{command[0]} failed: {done.stderr.decode(errors='replace')}")
    return int(result.read_text())


def summary(samples: dict[str, list[int]]) -> dict[str, dict[str, object]]:
    """Give medians and ratios to the untraced runs, by tracer."""
    found: dict[str, dict[str, object]] = {}
    for name, times_ns in samples.items():
        ratios = [ns / base for ns, base in zip(times_ns, samples[UNTRACED], strict=True)]
        found[name] = {
            "median_ns": round(statistics.median(times_ns)),
            "ratio": round(statistics.median(ratios), 3),
            "ratio_min": round(min(ratios), 3),
            "ratio_max": round(max(ratios), 3),
            "samples_ns": times_ns,
        }
    return found


def table(rows: object, what: str, title: str, *, unit_ns: int = 1) -> Table:
    """Give a summary as a table; `unit_ns` is the unit of the times in `what`."""
    shown = Table("tracer", what, "ratio", "lowest", "highest", title=title)
    assert isinstance(rows, dict)
    for name, row in rows.items():
        ratios = (f"{row[key]:.2f}" for key in ("ratio", "ratio_min", "ratio_max"))
        shown.add_row(name, f"{row['median_ns'] / unit_ns:.{1 if unit_ns > 1 else 0}f}", *ratios)
    return shown
