# SPDX-License-Identifier: Apache-2.0
"""Steps that create tasks have exactly the flags that they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from replay.scenario.creating import read_create, read_exec
from replay.yaml_positions import parse_yaml
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from replay.scenario.scenario import Create


def created(word: str, text: str) -> Create:
    """Read a creation of a or b."""
    return read_create(word, parse_yaml(text, "f"), ("a", "b"), ())


@pytest.mark.parametrize(
    ("word", "text", "flags", "signal", "syscall"),
    [
        ("fork", "b", 0, 17, 57),
        ("vfork", "b", 0x4100, 17, 58),
        ("thread", "b", 0x50F00, 0, 56),
        ("posix_spawn", "b", 0x4100, 17, 56),
        ("clone", "{actor: b}", 0, 17, 56),
        ("clone", "{actor: b, flags: [VM, FILES], signal: none}", 0x500, 0, 56),
        ("clone", "{actor: b, flags: [THREAD, SIGHAND, VM]}", 0x10900, 0, 56),
        ("clone", "{actor: b, flags: [CLEAR_SIGHAND], syscall: clone3}", 1 << 32, 17, 435),
        ("clone", "{actor: b, signal: URG}", 0, 23, 56),
    ],
)
def test_flags_signal_and_call(word: str, text: str, flags: int, signal: int, syscall: int) -> None:
    """As the kernel is asked."""
    found = created(word, text)
    assert (found.actor, found.flags, found.signal, found.syscall) == ("b", flags, signal, syscall)


def test_posix_spawn_executes_at_once() -> None:
    """An actor or a program."""
    actor, program = (
        created("posix_spawn", "b").spawns,
        created("posix_spawn", "[/bin/x, y]").spawns,
    )
    assert actor is not None
    assert program is not None
    assert (actor.actor, actor.argv) == ("b", ())
    assert (program.actor, program.argv) == ("", ("/bin/x", "y"))


def test_a_depth_is_kept() -> None:
    """For an actor that creates itself."""
    depth = created("fork", "{actor: a, depth: 3}").depth
    assert depth is not None
    assert depth.value({}) == 3


def test_a_program_has_a_status() -> None:
    """0 where it is not said."""
    found = read_exec(parse_yaml("{program: [/bin/false], status: 1}", "f"), (), ())
    assert found.status.value({}) == 1
    assert read_exec(parse_yaml("[/bin/true]", "f"), (), ()).status.value({}) == 0


@pytest.mark.parametrize(
    ("word", "text", "why"),
    [
        ("fork", "c", "actor cannot be 'c'"),
        ("fork", "{actor: a, flags: [VM]}", "fork has no 'flags'"),
        ("clone", "a", "clone is to be a mapping, not a string"),
        ("clone", "{actor: a, flags: [CLEAR_SIGHAND]}", "clone takes 32 bits of flags"),
        ("clone", "{actor: a, flags: [VMX]}", "flag cannot be 'VMX'"),
        ("clone", "{actor: a, signal: USR1}", "signal cannot be 'USR1'"),
        ("posix_spawn", "[]", "it has 0 words"),
        ("posix_spawn", "[true]", "an argument is to be a string, not a boolean"),
        ("posix_spawn", "[ls]", "a program is named by its path"),
        ("posix_spawn", '["/bin/x", "a\\nb"]', "an argument is one line of text"),
    ],
)
def test_what_cannot_be_is_refused(word: str, text: str, why: str) -> None:
    """With the reason."""
    with pytest.raises(ProctraceError) as caught:
        created(word, text)
    assert caught.value.why == why
