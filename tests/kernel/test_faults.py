# SPDX-License-Identifier: Apache-2.0
"""Page faults of real programs: every one is recorded, and is classed as what it was."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import polars as pl
import pytest

from replay.memory.classes import FaultClass
from replay.memory.history import PageHistories
from tests.kernel.recording import proctrace

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.conftest import Recorder
    from tests.kernel.recording import Recording

PAGE_BYTES = 4096
FRAME = 0x000FFFFFFFFFF000
COMPLETED = 4
WRITE_BY_USER = 6
PAGES, FORKS = 5000, 4
NOT_HERE = 77


def _in_region(recording: Recording, faults: pl.DataFrame) -> pl.DataFrame:
    begin = int(recording.stdout.split()[0])
    return faults.filter(pl.col("address").is_between(begin, begin + PAGES * PAGE_BYTES - 1))


def test_every_write_of_a_cow_storm_is_what_it_was(recorded: Recorder, programs: Path) -> None:
    """GIVEN a region that children write to one after the other, and their parent at last.

    WHEN its faults are recorded
    THEN each child copied each page once, from the parent's frame to a new one of its own, and
    the parent then reused each.
    """
    recording = recorded(programs / "cow_storm", str(PAGES), str(FORKS), options=("--faults",))
    memory = PageHistories.from_trace(recording.trace)
    region = _in_region(recording, memory.faults)
    root = recording.root.id.tgid
    own = region.filter(pl.col("tid") == root)
    copies = region.filter(pl.col("tid") != root)
    assert recording.trace.rows("lost") == 0
    assert set(copies["class"]) == {FaultClass.COPY}
    assert copies["address"].n_unique() == PAGES
    assert copies.group_by("tid").len()["len"].to_list() == [PAGES] * FORKS
    assert own.group_by("class").len().sort("class").rows() == [
        (FaultClass.FIRST_TOUCH, PAGES),
        (FaultClass.REUSE, PAGES),
    ]
    first = own.filter(pl.col("class") == FaultClass.FIRST_TOUCH)
    touched = first.select("address", parents=pl.col("new_pte") & FRAME)
    joined = copies.join(touched, on="address")
    assert len(joined) == PAGES * FORKS
    assert (joined["old_pte"] & FRAME).equals(joined["parents"])
    assert not ((joined["new_pte"] & FRAME) == joined["parents"]).any()


def test_faults_of_a_task_are_as_many_as_the_kernel_counted(
    recorded: Recorder, programs: Path
) -> None:
    """Each child's recorded faults are its own min_flt + maj_flt, exactly."""
    recording = recorded(programs / "cow_storm", str(PAGES), str(FORKS), options=("--faults",))
    trace = recording.trace
    done = trace.table("fault").filter(pl.col("flags") & COMPLETED != 0)
    counted = trace.table("exit").join(done.group_by("tid").len("recorded"), on="tid")
    children = counted.filter(pl.col("tid") != recording.root.id.tgid)
    assert len(children) == FORKS
    assert (children["min_flt"] + children["maj_flt"]).equals(children["recorded"].cast(pl.UInt64))


def test_cow_names_the_writing_function(recorded: Recorder, programs: Path) -> None:
    """The instruction that wrote is resolved while the program is still there.

    Where the stack's random start puts the frame of main() on another page than that of fork(),
    each child's main() copies this page too.
    """
    recording = recorded(programs / "cow_storm", str(PAGES), str(FORKS), options=("--faults",))
    report = proctrace("cow", recording.path, "--by", "symbol", "--json")
    assert report.returncode == 0, report.stderr.decode()
    most = json.loads(report.stdout)["rows"][0]
    assert PAGES * FORKS <= most["copied"] <= PAGES * FORKS + FORKS
    assert most["symbol"] in ("main", "write_each")
    assert most["path"].endswith("/cow_storm")


def test_the_fault_that_a_task_dies_of_is_recorded(recorded: Recorder, programs: Path) -> None:
    """It never completes: the signal that it sends ends the task."""
    recording = recorded(programs / "segfault", options=("--stacks",))
    [address] = recording.numbers()[0]
    faults = PageHistories.from_trace(recording.trace).faults
    [fatal] = faults.filter(pl.col("address") == address).iter_rows(named=True)
    assert fatal["class"] == FaultClass.INCOMPLETE
    assert fatal["error_code"] == WRITE_BY_USER
    assert proctrace("audit", recording.path).returncode == 0


def test_a_fault_that_takes_long(recorded: Recorder, programs: Path) -> None:
    """What a u32 of nanoseconds cannot tell is no short fault: it took as long as can be told."""
    program = programs / "slow_fault"
    if subprocess.run([program], check=False, capture_output=True).returncode == NOT_HERE:
        pytest.skip("this kernel has no userfaultfd")
    recording = recorded(program, options=("--faults",))
    address = int(recording.stdout)
    (fault,) = recording.trace.table("fault").filter(address=address).iter_rows(named=True)
    assert (fault["took_ns"], fault["flags"] & COMPLETED) == (2**32 - 1, COMPLETED)
