# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.program: one text for every kernel and every kind of recording."""

from __future__ import annotations

import os
import re

import pytest

from tracer.catalogue import hooks
from tracer.program import Options, load, program_text
from tracer.records import BPF_FOLDER

TOKEN = re.compile(r"\b(?:OFF|SIZE|PAGE_FLAG)_\w+")


class AnyKernel:
    """A kernel that has every member, so that the text can be made anywhere."""

    def has(self, structure: str, member: str) -> bool:
        return bool(structure and member)

    def offset(self, structure: str, member: str) -> int:
        return len(structure) + len(member)

    def struct_size(self, structure: str) -> int:
        return len(structure)

    def enum_value(self, enumeration: str, name: str) -> int:
        return len(enumeration) + len(name)

    def tracepoint_arguments(self, tracepoint: str) -> tuple[str, ...] | None:
        return ("bool", "task_struct *", "task_struct *") if tracepoint else None


def _text(**options: object) -> str:
    return program_text(Options(recorder_tgid=1, **options), AnyKernel())  # type: ignore[arg-type]


def test_every_source_file_is_in_the_text() -> None:
    """A file that is left out would be a hook that never fires."""
    named = set(re.findall(r'#line 1 "(\S+)"', _text()))
    assert named == {path.name for path in BPF_FOLDER.glob("*.[ch]")}


def test_every_hook_of_the_catalogue_has_its_program() -> None:
    """The catalogue promises a function for each hook."""
    text = _text()
    for hook in hooks():
        context = "perf_arguments" if hook.kind == "perf software event" else "raw_arguments"
        assert f"int {hook.program}(struct {context} *ctx)" in text


def test_every_token_is_defined() -> None:
    """An undefined offset would be a compile error on the user's host."""
    text = _text()
    defined = set(re.findall(r"#define (\w+)", text))
    assert set(TOKEN.findall(text)) <= defined


def test_options_become_defines() -> None:
    """What is not asked for is not compiled."""
    plain = _text()
    names = {"FOLLOW_ALL", "ADOPT_RUNNING", "WANTED_CGROUP", "RECORD_ENVIRONMENT", "RECORD_FAULTS"}
    assert not names & set(re.findall(r"#define (\w+) ", plain))
    full = _text(follow_all=True, wanted_cgroup=42, environment=True, faults=True)
    assert names <= set(re.findall(r"#define (\w+) \d+\n", full))
    assert "#define WANTED_CGROUP 42\n" in full


def test_every_file_names_its_licence() -> None:
    """The kernel takes the programs under Dual MIT/GPL; each file says the same by SPDX."""
    for path in BPF_FOLDER.glob("*.[ch]"):
        assert path.read_text().startswith(
            "/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */"
        ), path.name
    assert "#define BPF_LICENSE Dual MIT/GPL" in _text()


@pytest.mark.kernel
@pytest.mark.parametrize(
    "options",
    [
        Options(recorder_tgid=1),
        Options(recorder_tgid=1, adopt_running=True, environment=True),
        Options(recorder_tgid=1, follow_all=True),
        Options(recorder_tgid=os.getpid(), faults=True),
        Options(recorder_tgid=1, adopt_running=True, wanted_cgroup=1),
    ],
)
def test_this_kernel_takes_the_programs(options: Options) -> None:
    """The verifier accepts every variant and every hook can be attached."""
    from tracer.btf import Btf  # noqa: PLC0415 - reads the running kernel

    program = load(options, Btf.running())
    try:
        assert all(program.hooks.values())
        assert {fact["certainty"] for fact in program.plan()} <= {"observed", "inferred"}
        assert program.missed() == {}
    finally:
        program.close()
