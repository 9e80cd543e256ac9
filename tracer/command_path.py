# SPDX-License-Identifier: Apache-2.0
"""Finds the program of a command as a shell does, and says why when it cannot be run."""

from __future__ import annotations

import difflib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from traces.errors import STATUS_CANNOT_EXECUTE, STATUS_NOT_FOUND, ProctraceError

if TYPE_CHECKING:
    from collections.abc import Iterator


def find_program(name: str, search_path: str | None) -> str:
    """Give the path of the program `name`; `search_path` is the command's PATH.

    Raise ProctraceError with status 127 when there is none, with status 126 when what is there
    cannot be executed.
    """
    folders = os.defpath if search_path is None else search_path
    found = shutil.which(name, path=folders) if name else None
    if found is not None:
        return found
    for candidate in _candidates(name, folders):
        if candidate.is_dir() and "/" in name:
            raise _not_executable(name, f"{shown(candidate)} is a directory")
        if candidate.is_file():
            raise _not_executable(name, f"{shown(candidate)} has no permission to be executed")
    raise _not_found(name, folders)


def shown(path: str | Path) -> str:
    """Give a path for a message: one line, without control characters."""
    text = os.fsencode(path).decode(errors="replace")
    return text if text.isprintable() else ascii(text)


def exec_error(path: str, code: int) -> ProctraceError:
    """Give the error for an execve() of `path` that failed with errno `code`."""
    interpreter = _interpreter(path)
    if code == 2 and not Path(path).exists():
        why, hint, status = "it is gone", "check its path", STATUS_NOT_FOUND
    elif code == 2 and interpreter:
        why = f"the interpreter in its first line, {interpreter}, is not there"
        hint, status = "correct its first line, or install that interpreter", STATUS_CANNOT_EXECUTE
    elif code == 8:
        why = "it is neither a program for this machine nor a script with a first line '#!...'"
        hint = f"run it by its interpreter, as in: sh {shown(path)}"
        status = STATUS_CANNOT_EXECUTE
    else:
        why, status = os.strerror(code), STATUS_CANNOT_EXECUTE
        hint = f"check it with: ls -l {shown(path)}; file {shown(path)}"
    return ProctraceError(f"cannot execute {shown(path)}", why, hint, status=status)


def _interpreter(path: str) -> str:
    try:
        with Path(path).open("rb") as script:
            first = script.readline(256)
    except OSError:
        return ""
    words = first[2:].split() if first.startswith(b"#!") else []
    return shown(os.fsdecode(words[0])) if words else ""


def _folders(search_path: str) -> list[str]:
    return list(dict.fromkeys(search_path.split(os.pathsep)))


def _candidates(name: str, search_path: str) -> Iterator[Path]:
    if "/" in name:
        yield Path(name)
    elif name:
        yield from (Path(folder) / name for folder in _folders(search_path))


def _not_executable(name: str, why: str) -> ProctraceError:
    return ProctraceError(
        f"cannot execute {shown(name)}",
        why,
        "give an executable program (chmod +x makes a file one)",
        status=STATUS_CANNOT_EXECUTE,
    )


def _not_found(name: str, search_path: str) -> ProctraceError:
    if "/" in name:
        what, why = f"no such program: {shown(name)}", "there is no file of that name"
        hint = "check the path"
    else:
        what, why = f"command not found: {shown(name)}", "no folder of PATH has it"
        hint = "install it, or give its path"
        close = difflib.get_close_matches(name, _programs(search_path), n=3)
        if close:
            hint += "; close to it: " + ", ".join(shown(match) for match in close)
    return ProctraceError(what, why, hint, status=STATUS_NOT_FOUND)


def _programs(search_path: str) -> set[str]:
    names: set[str] = set()
    for folder in _folders(search_path):
        try:
            names.update(entry.name for entry in Path(folder).iterdir())
        except OSError:
            continue
    return names
