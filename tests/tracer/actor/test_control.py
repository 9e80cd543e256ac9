# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.actor.control: what actors tell, and what they are given."""

from __future__ import annotations

import os
import re
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tracer.actor.scripts import acted, script_of
from tests.tracer.waiting import until
from tracer.actor.build import SOURCES
from tracer.actor.control import ACTORS_MAX, Control, Failure, State
from traces.errors import ProctraceError

HEADER = (SOURCES / "plan.h").read_text()
SCRIPT = script_of("actors: {p: [{fork: c}, {wait: c}], c: [pause]}", seed=7)


def _written(control: Control, at: int, form: str, *values: object) -> None:
    """Write as an actor would."""
    control._memory[at : at + struct.calcsize(form)] = struct.pack(form, *values)  # noqa: SLF001


def test_states_and_bounds_are_those_of_the_program() -> None:
    """Both sides have the same names in the same order."""
    [listed] = re.findall(r"enum state \{(.*?)\};", HEADER, re.DOTALL)
    assert re.findall(r"STATE_(\w+)", listed) == [state.name for state in State]
    assert f"ACTORS_MAX = {ACTORS_MAX}," in HEADER


def test_what_actors_tell_of_themselves() -> None:
    """Those that have begun; the rest have nothing to tell."""
    with Control(SCRIPT) as control:
        assert control.entries() == []
        _written(control, 4096 + 64, "<IiIIQ", State.PAUSED, 1234, 0, 5, 10**18)
        [entry] = control.entries()
        assert (entry.actor, entry.state, entry.tid, entry.at) == (1, State.PAUSED, 1234, 5)
        assert entry.begun_ns == 10**18
        assert control.count(State.PAUSED, State.BARRIER) == 1
        assert control.count(State.BARRIER) == 0
        before = control.states()
        assert len(before) == 2
        _written(control, 4096, "<I", State.WAITING)
        assert control.states() != before


def test_a_failure_is_there_once_it_is_whole() -> None:
    """It is written in two steps, and read after the second."""
    with Control(SCRIPT) as control:
        assert control.failure() is None
        _written(control, 40, "<Iii4x192s", 2, 1, 12, b"mmap\xff")
        assert control.failure() is None
        _written(control, 40, "<I", 1)
        assert control.failure() == Failure(1, 12, "mmap�")


def test_what_actors_are_given() -> None:
    """The plan, the seed, and files of regions that are as large as they are."""
    script = replace(SCRIPT, file_pages={2: 1500})
    with Control(script) as control:
        actor, memory, plan = map(int, control.handed.split())
        assert actor == 0
        assert os.get_inheritable(memory)
        assert os.get_inheritable(plan)
        assert os.pread(plan, 1 << 20, 0) == script.plan
        _, _, seed = struct.unpack("<QQQ", os.pread(memory, 24, 0))
        assert seed == 7
        [file] = struct.unpack("<i", os.pread(memory, 4, 248 + 4 * 2))
        assert os.fstat(file).st_size == os.fstat(file).st_blocks * 512 == 1500 * 4096
        control.give_up_at(1.5)
        assert struct.unpack("<Q", os.pread(memory, 8, 8)) == (1_500_000_000,)
    for descriptor in (memory, plan, file):
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


def test_no_room_for_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages are named, and nothing stays open."""
    before = _descriptors()

    def full(file: int, data: bytes) -> int:
        if len(data) == 8 * 4096:
            raise OSError(28, "No space left on device")
        return write(file, data)

    write = os.write
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(ProctraceError) as caught:
        Control(replace(SCRIPT, file_pages={0: 8}))
    assert caught.value.what == "there is no room for 8 pages of a file"
    assert _descriptors() == before


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_real_actor_tells_where_it_is() -> None:
    """What the program writes is what is read."""
    with acted(SCRIPT) as (acting, _, root):
        control = acting._control  # noqa: SLF001 - what this is about
        until(lambda: control.count(State.WAITING, State.PAUSED) == 2)
        parent, child = control.entries()
        assert (parent.tid, parent.state, parent.at) == (root.pid, State.WAITING, 1)
        assert (child.state, child.at) == (State.PAUSED, 0)
        assert child.begun_ns > parent.begun_ns
