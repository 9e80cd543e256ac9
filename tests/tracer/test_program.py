# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.program: one text for every kernel and every kind of recording."""

from __future__ import annotations

import errno
import os
import re

import pytest

from tracer import bcc_seam
from tracer.bcc_seam import HookRefused
from tracer.catalogue import Hook, hooks, step_hooks
from tracer.program import Options, Program, _load_one, load, program_text
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

    def percpu_offset(self, variable: str) -> int | None:
        return len(variable)

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
    names = {"FOLLOW_ALL", "ADOPT_RUNNING", "WANTED_CGROUP", "RECORD_ENVIRONMENT", "RECORD_FAULTS",
             "RECORD_STACKS"}  # fmt: skip
    assert not names & set(re.findall(r"#define (\w+) ", plain))
    full = _text(follow_all=True, wanted_cgroup=42, environment=True, faults=True, stacks=True)
    assert names <= set(re.findall(r"#define (\w+) \d+\n", full))
    assert "#define WANTED_CGROUP 42\n" in full


def test_steps_are_compiled_when_asked_for() -> None:
    """They have a ring of their own."""
    assert "#define RECORD_STEPS" not in _text()
    assert "#define RECORD_STEPS 1\n" in _text(steps=True)
    assert "#define STEP_RING_PAGES 4096\n" in _text(steps=True)


@pytest.mark.kernel
def test_this_kernel_takes_the_programs_of_steps() -> None:
    """Beside what only older kernels have every hook is there; all are seen or inferred."""
    from tracer.btf import Btf  # noqa: PLC0415 - reads the running kernel

    program = load(Options(recorder_tgid=os.getpid(), steps=True, faults=True), Btf.running())
    try:
        refused = {hook.target for hook, taken in program.hooks.items() if not taken}
        assert refused <= {"kmem_cache_alloc_node", "kmalloc_node", "cap_capable"}
        assert {fact["certainty"] for fact in program.plan()} <= {"observed", "inferred"}
        assert not {hook.program for hook in step_hooks()} & set(program.missed())
    finally:
        program.close()


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


class Bpf:
    """Compiled programs that do nothing."""

    def cleanup(self) -> None:
        pass


@pytest.mark.parametrize(
    ("code", "kept"), [(errno.ENOENT, True), (errno.EINVAL, True), (errno.EMFILE, False)]
)
def test_only_the_kernel_s_own_refusal_is_an_answer(
    monkeypatch: pytest.MonkeyPatch, code: int, *, kept: bool
) -> None:
    """A recorder without descriptors must not record as if the kernel had no such hook."""

    def refuse(*_: object) -> None:
        raise HookRefused("cannot attach", code, "why")

    monkeypatch.setattr(bcc_seam, "load_raw_tracepoint", lambda *_: None)
    monkeypatch.setattr(bcc_seam, "attach", refuse)
    made = Program(Bpf())  # type: ignore[arg-type] # a fake
    hook = Hook("raw tracepoint", "sched_switch", "on_sched_switch")
    if kept:
        _load_one(made, hook)
        assert made.hooks == {hook: False}
    else:
        with pytest.raises(HookRefused):
            _load_one(made, hook)
