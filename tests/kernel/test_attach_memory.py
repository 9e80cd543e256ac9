# SPDX-License-Identifier: Apache-2.0
"""Faults of processes that ran already: their mappings and pages are known from the start."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from replay.memory.classes import FaultClass
from replay.memory.history import PageHistories
from replay.memory.layout import MappingKind
from replay.memory.page_map import frames
from tests.kernel.obey import Stage, wait_for_start_memory
from tests.kernel.rebuilt import Rebuilt
from tests.kernel.recording import PROCTRACE, clean_environment, record
from traces.reader import open_trace

if TYPE_CHECKING:
    from pathlib import Path

PAGE_BYTES, PAGES = 4096, 16


def _attached(program: Path, path: Path) -> tuple[PageHistories, list[int]]:
    """Record a program that runs already while it writes; give its memory and what it printed."""
    pipe = subprocess.PIPE
    with subprocess.Popen([program], env=clean_environment(), stdin=pipe, stdout=pipe) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        numbers = [int(word) for word in running.stdout.readline().split()]
        command = [PROCTRACE, "record", "--faults", "-o", str(path), "-p", str(running.pid)]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as recorder:
            try:
                wait_for_start_memory(path)
                running.stdin.write(b"\n")
                running.stdin.flush()
                assert running.wait(60) == 0
                recorder.communicate(timeout=60)
            finally:
                recorder.kill()
    trace = open_trace(path)
    assert trace.complete
    assert trace.rows("lost") == 0
    return PageHistories.from_trace(trace), numbers


def test_pages_shared_before_the_start_are_known(programs: Path, tmp_path: Path) -> None:
    """GIVEN a parent and a child that share pages, and run already.

    WHEN the child writes to half of them and, when it is gone, the parent to all
    THEN every write is attributed to the mapping and the function, and of every page it is known
    which frame it had at the start and that both had it.
    """
    memory, numbers = _attached(programs / "attach_memory", tmp_path / "attached.ptrace")
    parent, child, region, table = numbers
    writes = memory.faults.filter(
        pl.col("address").is_between(region, region + 2 * PAGES * PAGE_BYTES - 1)
    )
    by_child, by_parent = (writes.filter(pl.col("tid") == tid) for tid in (child, parent))
    assert by_child["class"].to_list() == [FaultClass.COPY] * PAGES
    assert by_parent["class"].to_list() == [FaultClass.REUSE] * 2 * PAGES
    events, breaks = memory.events, memory.breaks
    event = breaks.event[breaks.fork < 0].astype(np.int64)
    address = events.page(event) * PAGE_BYTES
    event = event[(address >= region) & (address < region + 2 * PAGES * PAGE_BYTES)]
    space, page = events.space(event), events.page(event)
    before = np.zeros_like(page)
    origin = events.owner(space, page, before)
    old = frames(memory, "old", event, page)
    assert len(event) == 3 * PAGES
    assert events.at_start(origin).all()
    assert frames(memory, "new", origin, page).tolist() == old.tolist()
    both = [memory.spaces.of_process(pid)[0] for pid in (parent, child)]
    for frame, here in zip(old.tolist(), page.tolist(), strict=True):
        assert sorted(memory.start.holders(frame)) == sorted((one, here) for one in both)
    one = memory.faults.filter(
        (pl.col("address") // PAGE_BYTES == table // PAGE_BYTES + 1) & (pl.col("tid") == parent)
    )
    assert len(one) == 1
    for column, kind, symbol in (
        ("address", MappingKind.DATA, b"table"),
        ("ip", MappingKind.TEXT, b"write_pages"),
    ):
        space, when = (one[name].to_numpy().astype(np.int64) for name in ("space", "time_ns"))
        told = memory.mappings.describe(memory.mappings.find(space, one[column], when), one[column])
        assert told["path"][0].endswith(b"/attach_memory")
        assert told["kind"][0] == kind
        assert told["symbol"][0].startswith(symbol)


def test_page_maps_of_what_ran_already(programs: Path, tmp_path: Path) -> None:
    """GIVEN a process and its child, which have written pages, and share some of them.

    WHEN they are recorded from then on, the child forks, and all three write
    THEN every private page of all three is known from the first moment on: its frame, and how many
    have it; what a fork shared is all that the child has; and what nobody touches has a story.
    """
    with Stage(programs, tmp_path, attached=True) as stage:
        root = stage.root
        region, untouched = root.map(PAGES), root.map(PAGES)
        for address in (region, untouched):
            root.write(address, PAGES)
        root.read(root.map(PAGES), PAGES)
        child = root.fork()
        child.write(region, 4)
        stage.attach()
        points = [stage.look()]
        grandchild = child.fork()
        points.append(stage.look())
        for who, first, pages in ((grandchild, 2, 4), (child, 4, 8), (root, 0, PAGES)):
            who.write(region + first * PAGE_BYTES, pages)
            points.append(stage.look())
        grandchild.write(region, PAGES)
        points.append(stage.look())
    rebuilt = Rebuilt(stage)
    for at, point in enumerate(points):
        found = rebuilt.differences(point)
        assert found.none(), (at, found)
        assert not found.arguments
        assert found.compared >= 2 * PAGES * len(point.pages)
    shared = points[-1].pages[root.pid][untouched].mappings
    assert shared == len(points[-1].pages)
    fork = rebuilt.fork_of(grandchild)
    assert fork["shared"] == len(points[1].anonymous(grandchild.pid))
    assert fork["unseen"] == 0
    told = stage.recording().json("page", str(grandchild.pid), hex(untouched))
    [story] = told["stories"]
    assert [step["what"] for step in story["steps"][:3]] == ["present", "present", "shared"]
    assert story["pages"][0]["frame"] == points[0].frames(root.pid, untouched)[0]
    assert len(story["steps"][2]["holders"]) == shared


def test_a_command_has_no_memory_at_the_start(programs: Path, tmp_path: Path) -> None:
    """What is followed from its first instruction on is not looked at."""
    path = tmp_path / "command.ptrace"
    record(path, [programs / "orphan"], "--faults")
    assert open_trace(path).rows("start_mapping") == 0
