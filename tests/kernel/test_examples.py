# SPDX-License-Identifier: Apache-2.0
"""The examples do what their pages say: copies of a pre-fork server, and of Redis saving."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from replay.memory.classes import FaultClass
from replay.memory.history import PageHistories
from tests.kernel.recording import PROCTRACE, Recording, clean_environment

if TYPE_CHECKING:
    from tests.kernel.conftest import Recorder

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
PAGE_BYTES = 4096
MEGABYTES, WORKERS = 10, 2
EVALUATES = "_PyEval_EvalFrameDefault"
"""The interpreter's loop, which Debian exports by name."""
KEYS, VALUE_BYTES = 20_000, 1000


def _rows(recording: Recording) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = recording.json("cow", "--by", "symbol")["rows"]
    return rows


def test_workers_that_only_read_copy_what_gc_freeze_saves(recorded: Recorder) -> None:
    """GIVEN workers that read a tenth of what their parent loaded, and collect garbage.

    WHEN their parent calls gc.freeze() before it forks, and when it does not
    THEN without it each copies all of the data, for one function that is not the interpreter's
    loop: the collector; with it only the tenth that was read, for the loop's reference counts.
    """
    server = (sys.executable, EXAMPLES / "prefork" / "server.py",
              "--megabytes", str(MEGABYTES), "--workers", str(WORKERS))  # fmt: skip
    plain = _rows(recorded(*server, options=("--faults",)))
    frozen = _rows(recorded(*server, "--freeze", options=("--faults",)))
    pages = MEGABYTES * 1_000_000 // PAGE_BYTES * WORKERS
    assert sum(row["copied"] for row in plain) > 0.95 * pages
    assert sum(row["copied"] for row in frozen) < 0.25 * pages
    collector, loop = plain[:2]
    assert collector["copied"] > 0.85 * pages
    assert collector["symbol"] not in (None, EVALUATES)
    assert Path(collector["path"]).samefile(sys.executable)
    for row in (loop, frozen[0]):
        assert row["symbol"] == EVALUATES
        assert 0.09 * pages < row["copied"] < 0.13 * pages
    assert collector["symbol"] not in {row["symbol"] for row in frozen if row["copied"] > 100}


def test_copies_of_a_saving_redis_are_those_that_it_states(tmp_path: Path) -> None:
    """GIVEN a Redis whose keys are all set again while another process saves them.

    WHEN that process is done
    THEN rdb_last_cow_size, its Private_Dirty, is within 5 % what was copied; and what it has
    made itself, besides, explains the rest.
    """
    command = (EXAMPLES / "redis" / "bgsave.sh", tmp_path, str(KEYS), str(VALUE_BYTES))
    more = {"PROCTRACE": PROCTRACE, "HOLD": "yes", "SAVE_DELAY": "1"}
    done = subprocess.run(
        command, env=clean_environment() | more, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    stated = re.match(r"rdb_last_cow_size (\d+)", done.stdout)
    assert stated is not None
    recording = Recording(tmp_path / "redis.ptrace", 0, b"", b"")
    recording.assert_sound()
    saver = next(iter(recording.root.children))
    due = [
        row
        for row in recording.json("cow", "--by", "fork")["rows"]
        if row["child_tgid"] == saver.tgid
    ]
    copied, stated_pages = due[0]["copied"], int(stated[1]) // PAGE_BYTES
    assert copied > KEYS * VALUE_BYTES // PAGE_BYTES * 0.8
    assert abs(copied - stated_pages) < 0.05 * stated_pages
    assert abs(copied + _made(recording, saver.tgid) - stated_pages) < 0.01 * stated_pages


def _made(recording: Recording, tgid: int) -> int:
    """Give how many pages a process has filled that no other had before."""
    faults = PageHistories.from_trace(recording.trace).faults
    made = pl.col("class").is_in([FaultClass.FIRST_TOUCH, FaultClass.ZERO_COPY])
    return len(faults.filter(made & (pl.col("tid") == tgid)))
