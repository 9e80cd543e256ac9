# SPDX-License-Identifier: Apache-2.0
"""Reads the steps that create tasks and that execute programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from replay.scenario import words
from replay.scenario.amount import fixed, read_amount
from replay.scenario.scenario import Create, Exec

if TYPE_CHECKING:
    from collections.abc import Collection

    from replay.yaml_positions import Value

MAX_DEPTH: Final = 64
"""How many generations an actor may have that creates itself."""
MAX_ARGUMENTS: Final = 64
_MOST_BYTES: Final = 4096
_AS_ASKED: Final = {
    "fork": (0, words.SIGCHLD, words.FORK),
    "vfork": (words.VM | words.VFORK, words.SIGCHLD, words.VFORK_CALL),
    "thread": (words.THREAD_FLAGS, 0, words.CLONE),
    "posix_spawn": (words.VM | words.VFORK, words.SIGCHLD, words.CLONE),
}
"""Flags, signal and system call of each; glibc's posix_spawn() is a clone like this one."""


def read_create(
    word: str, value: Value, actors: Collection[str], parameters: Collection[str]
) -> Create:
    """Read fork, vfork, clone, thread or posix_spawn."""
    spawns = read_exec(value, actors, parameters) if word == "posix_spawn" else None
    if spawns is not None:
        actor = spawns.actor
        return Create(actor, *_AS_ASKED[word], None, spawns, value.position)
    if isinstance(value.content, str) and word != "clone":
        actor = value.one_of("actor", actors)
        return Create(actor, *_AS_ASKED[word], None, None, value.position)
    known = ("actor", "depth") + (("flags", "signal", "syscall") if word == "clone" else ())
    fields = value.fields(word, known, ("actor",))
    actor = fields["actor"].one_of("actor", actors)
    flags, signal, syscall = _AS_ASKED.get(word, (0, words.SIGCHLD, words.CLONE))
    if "syscall" in fields:
        syscall = words.SYSCALLS[fields["syscall"].one_of("syscall", words.SYSCALLS)]
    if "flags" in fields:
        flags = _flags(fields["flags"], syscall)
        signal = 0 if flags & words.THREAD else signal
    if "signal" in fields:
        signal = words.EXIT_SIGNALS[fields["signal"].one_of("signal", words.EXIT_SIGNALS)]
    depth = None
    if "depth" in fields:
        depth = read_amount(fields["depth"], "depth", 0, MAX_DEPTH, parameters)
    return Create(actor, flags, signal, syscall, depth, None, value.position)


def _flags(value: Value, syscall: int) -> int:
    flags = 0
    for item in value.items("flags"):
        flags |= words.CLONE_FLAGS[item.one_of("flag", words.CLONE_FLAGS)]
    if flags >> 32 and syscall != words.CLONE3:
        raise value.error("clone takes 32 bits of flags", "add 'syscall: clone3'")
    return flags


def read_exec(value: Value, actors: Collection[str], parameters: Collection[str]) -> Exec:
    """Read what is executed: the name of an actor, or a program with its arguments."""
    nothing = fixed("status", 0, value.position)
    if isinstance(value.content, str):
        return Exec(value.one_of("actor", actors), (), nothing, value.position)
    if isinstance(value.content, list):
        return Exec("", _argv(value), nothing, value.position)
    fields = value.fields("exec", ("program", "status"), ("program",))
    status = nothing
    if "status" in fields:
        status = read_amount(fields["status"], "status", 0, 255, parameters)
    return Exec("", _argv(fields["program"]), status, value.position)


def _argv(value: Value) -> tuple[str, ...]:
    arguments = value.items("program")
    if not 1 <= len(arguments) <= MAX_ARGUMENTS:
        raise value.error(f"it has {len(arguments)} words", f"use 1 to {MAX_ARGUMENTS}")
    for argument in arguments:
        text = argument.string("an argument")
        if "\n" in text or "\0" in text or len(text.encode()) > _MOST_BYTES:
            raise argument.error("an argument is one line of text", "make it shorter")
    words_ = tuple(argument.string("an argument") for argument in arguments)
    if not words_[0].startswith("/"):
        raise arguments[0].error("a program is named by its path", "begin it with /")
    return words_
