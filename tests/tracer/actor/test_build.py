# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.actor.build, and of how the program that it builds takes a plan."""

from __future__ import annotations

import os
import subprocess
from random import Random
from typing import TYPE_CHECKING

import pytest

from replay.scenario.compiling import compile_plan
from replay.scenario.library import library_names, open_scenario
from replay.scenario.plan import encode_plan
from tests.replay.simulator.random_scenario import RandomScenario
from tests.replay.simulator.told import planned
from tracer.actor import build
from tracer.actor.build import COMPILER_FLAGS, FOLDER, SOURCES, built_program, program_path
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from pathlib import Path

    from replay.scenario.plan import Plan

EVERY_OPERATION = """
regions: {heap: {pages: 9, thp: true}, board: {pages: 5, kind: shared file}}
actors:
  p:
    - map: heap
    - map: board
    - read: heap
    - write: {region: board, first: 1, count: 3, random: 5}
    - madvise: {region: heap, advice: DONTNEED, first: 1, count: 2}
    - become: subreaper
    - fork: c
    - vfork: v
    - thread: t
    - clone: {actor: k, flags: [VM, FILES], signal: CHLD, syscall: clone3}
    - barrier: met
    - wait: c
    - waitid: {for: any, options: [EXITED]}
    - wait: all
    - unmap: heap
    - kill: {actor: s, signal: KILL}
    - ignore: CHLD
    - exit: 3
  c: [{fork: s}, {barrier: met}, {exit: {signal: TERM}}]
  s: [pause]
  v: [{exec: w}]
  w: [{exec: [/bin/echo, 'two words']}]
  t: [{exit_thread: 0}]
  k: [{exit: 0}]
"""


def _status(program: Path, plan: bytes, folder: Path) -> tuple[int, str]:
    """Give the status of a check of a plan, and what was said."""
    path = folder / "plan"
    path.write_bytes(plan)
    done = subprocess.run([program, path], check=False, capture_output=True)
    return done.returncode, done.stderr.decode(errors="replace")


def _text(plan: Plan) -> bytes:
    return encode_plan(plan).encode()


def test_it_is_named_after_its_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another source or another flag gives another program; the same ones the same."""
    path = program_path(tmp_path)
    assert path == program_path(tmp_path)
    assert path.parent == tmp_path
    monkeypatch.setattr(build, "COMPILER_FLAGS", (*COMPILER_FLAGS, "-g"))
    assert program_path(tmp_path) != path


def test_it_is_built_once(tmp_path: Path) -> None:
    """What older sources made is removed, and nothing else is left."""
    folder = tmp_path / "new" / "folder"
    folder.mkdir(parents=True)
    (folder / "proctrace-actor-0").touch()
    program = built_program(folder)
    assert os.access(program, os.X_OK)
    assert list(folder.iterdir()) == [program]
    built = program.stat()
    assert built_program(folder).stat() == built


def test_it_is_where_the_project_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    """As `make setup` builds it."""
    assert build.main() == 0
    assert os.access(program_path(FOLDER), os.X_OK)
    assert capsys.readouterr() == ("", "")


def test_without_a_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said what to install; a program that is there needs none."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProctraceError) as caught:
        built_program(tmp_path)
    assert "there is no C compiler (cc, gcc, clang)" in caught.value.why
    assert "apt-get install gcc" in caught.value.hint
    monkeypatch.setattr(build, "built_program", lambda: built_program(tmp_path))
    assert build.main() == caught.value.status
    assert capsys.readouterr().err.startswith("proctrace: there is no program to act a scenario\n")
    program_path(tmp_path).touch(mode=0o755)
    assert built_program(tmp_path) == program_path(tmp_path)


def test_a_compiler_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first error is the reason, and nothing half made is left."""
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho note >&2; echo 'x.h: fatal error: none' >&2; exit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    folder = tmp_path / "folder"
    with pytest.raises(ProctraceError) as caught:
        built_program(folder)
    assert caught.value.why == "x.h: fatal error: none"
    assert list(folder.iterdir()) == []


def test_where_nothing_may_be_written(tmp_path: Path) -> None:
    """The folder is named."""
    (tmp_path / "file").touch()
    with pytest.raises(ProctraceError) as caught:
        built_program(tmp_path / "file" / "below")
    assert str(tmp_path / "file") in caught.value.why


def test_the_sources_are_of_the_package() -> None:
    """Whatever is installed has them."""
    assert {"main.c", "plan.h", "system.h"} <= {path.name for path in SOURCES.iterdir()}


def test_it_takes_every_plan(tmp_path: Path) -> None:
    """Those of the library, one with every operation, and random ones."""
    plans = [compile_plan(open_scenario(name)) for name in library_names()]
    plans += [planned(EVERY_OPERATION)]
    for seed in range(20):
        random = Random(seed)  # noqa: S311 - the same scenarios each time
        plans.append(compile_plan(RandomScenario(random, 30, 20).scenario()))
    for plan in plans:
        assert _status(built_program(), _text(plan), tmp_path) == (0, ""), plan.scenario


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("plan 1 ", "plan 2 ", "line 1 of the plan: this program reads version 1 of plans"),
        ("region 0 ", "region 1 ", "line 2 of the plan: regions are numbered from 0"),
        ("map 0 0", "map 7 0", "line 6 of the plan: there is no region of that number"),
        ("map 0 0", "jump 0 0", "line 6 of the plan: there is no operation of that name"),
        ("map 0 0", "map 0 1", "line 6 of the plan: an operation has a number that it does not"),
        ("read 0 0 9 ", "read 0 1 9 ", "there are pages beyond the end of the region"),
        ("\nend ", "\nend  ", "an integer is missing or too large"),
        ("exit 3 ", "exit 256 ", "a status is from 0 to 255"),
        ("argument 9 ", "argument 8 ", "an argument has another length than it says"),
        ("barrier 0 2 ", "barrier 0 3 ", "a barrier has other participants than it says"),
        ("plan 1 2 1", "plan 1 99999999999999999999 1", "an integer is missing or too large"),
    ],
)
def test_it_refuses_what_is_no_plan(tmp_path: Path, old: str, new: str, why: str) -> None:
    """With the line, so that a plan of another program can be put right."""
    text = _text(planned(EVERY_OPERATION)).decode()
    assert old in text
    status, said = _status(built_program(), text.replace(old, new, 1).encode(), tmp_path)
    assert status == 2
    assert why in said


def test_no_plan_harms_it(tmp_path: Path) -> None:
    """GIVEN sanitizers and plans with something changed, THEN each is taken or refused."""
    program = tmp_path / "checked"
    subprocess.run(
        ["gcc", "-DHOSTED", "-std=gnu11", "-g", "-fsanitize=address,undefined",
         "-fno-sanitize-recover", "-o", program,
         *(path for path in SOURCES.glob("*.c") if path.name != "freestanding.c")],
        check=True,
    )  # fmt: skip
    plan = _text(planned(EVERY_OPERATION))
    random = Random(5)  # noqa: S311 - the same changes each time
    said = set()
    for _ in range(120):
        status, why = _status(program, _changed(plan, random), tmp_path)
        assert status in {0, 2}, why
        said.add(why.partition(" of the plan")[2])
    assert len(said) > 10


def _changed(plan: bytes, random: Random) -> bytes:
    """Change a word, or a byte, or cut it."""
    draw = random.randrange(10)
    at = random.randrange(len(plan))
    if draw == 0:
        return plan[:at]
    if draw < 3:
        return plan[:at] + bytes([random.randrange(256)]) + plan[at + 1 :]
    lines = plan.splitlines()
    place = random.randrange(len(lines))
    words = lines[place].split(b" ")
    edges = [-1, 0, 1, 2, 255, 4096, 4097, 2**31, 2**32, 2**63 - 1, 2**63, -(2**63), 17592186044416]
    words[random.randrange(len(words))] = b"%d" % random.choice(edges)
    lines[place] = b" ".join(words)
    return b"\n".join(lines) + b"\n"
