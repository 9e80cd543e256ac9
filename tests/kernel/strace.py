# SPDX-License-Identifier: Apache-2.0
"""The oracle: the same account of a run from strace and from a recording, to be compared.

strace writes one file for each task (-ff), so no line is interrupted by another task. Strings are
written in hexadecimal (-xx), so that no argument can look like something else. Environments are
left out by strace unless asked for (-v).
"""

from __future__ import annotations

import errno
import re
import signal
import subprocess
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.kernel.recording import argv, clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from replay.process import Process
    from tests.kernel.recording import Argument, Recording

Arguments = tuple[bytes, ...]

CALLS = "execve,execveat,fork,vfork,clone,clone3"
_EXEC = re.compile(
    rb'execve(?:at)?\((?:\w+, )?"[^"]*", \[(?P<argv>.*?)\], .*\) += '
    rb"(?:(?P<ok>0)|-1 (?P<errno>E\w+) )"
)
_STRING = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_CREATED = re.compile(rb"(?:fork|vfork|clone3?)\((?P<arguments>.*)\) += (?P<pid>\d+)$")
_EXITED = re.compile(rb"\+\+\+ exited with (\d+) \+\+\+$")
_KILLED = re.compile(rb"\+\+\+ killed by (SIG\w+)")
_GCC_TEMPORARY = re.compile(rb"/tmp/cc[A-Za-z0-9]{6}(?=\.)")


@dataclass
class Account:
    """What a run did, without pids and order: what two runs of the same command have in common."""

    processes: Counter[tuple[Arguments, str]]
    """(arguments of what it ran last, how it ended) of every process."""
    edges: Counter[tuple[Arguments, Arguments]]
    """(what the parent ran as it created the child, what the child ran last)."""
    failed: Counter[tuple[Arguments, str]]
    """(arguments, errno) of every exec that failed."""


def plain(arguments: Iterable[bytes]) -> Arguments:
    """Give arguments without the random part of gcc's temporary files (/tmp/ccXXXXXX.s)."""
    return tuple(_GCC_TEMPORARY.sub(b"/tmp/ccXXXXXX", argument) for argument in arguments)


def under_strace(folder: Path, command: Sequence[Argument], cwd: Path | None = None) -> Account:
    """Run a command under strace, which writes its files into `folder`, and give the account."""
    # -s bounds the number of arguments as well as their length.
    options = ["-ff", "-xx", "-s", "200000", "-e", f"trace={CALLS}"]
    subprocess.run(
        ["strace", *options, "-o", folder / "strace", *command],
        check=True,
        capture_output=True,
        env=clean_environment(),
        cwd=cwd,
    )
    return _Reader({int(file.suffix[1:]): file for file in folder.glob("strace.*")}).account()


def recorded_account(recording: Recording) -> Account:
    """Give the account of a recording."""
    forest = recording.forest
    account = Account(Counter(), Counter(), Counter())
    for process in forest.processes.values():
        account.processes[plain(argv(process)), _how_it_ended(process)] += 1
        if process.inherited is not None and process is not recording.root:
            account.edges[plain(process.inherited.argv), plain(argv(process))] += 1
        for failed in process.failed_execs:
            assert not failed.argv_truncated
            account.failed[plain(failed.argv), str(failed.errno)] += 1
    return account


def _how_it_ended(process: Process) -> str:
    assert process.end is not None
    if process.end.signal:
        return signal.Signals(process.end.signal).name
    return f"status {process.end.status}"


class _Reader:
    """Follows the files of a run from the first task to all it created."""

    def __init__(self, files: dict[int, Path]) -> None:
        self._lines = {tid: file.read_bytes().splitlines() for tid, file in files.items()}
        self._account = Account(Counter(), Counter(), Counter())

    def account(self) -> Account:
        created = {int(match["pid"]) for _, match in self._matches(_CREATED)}
        [root] = set(self._lines) - created
        self._process(root, None)
        return self._account

    def _matches(self, pattern: re.Pattern[bytes]) -> Iterator[tuple[int, re.Match[bytes]]]:
        for tid, lines in self._lines.items():
            for line in lines:
                match = pattern.match(line)
                if match:
                    yield tid, match

    def _process(self, pid: int, inherited: Arguments | None) -> None:
        last = self._task(pid, inherited)
        assert last is not None
        self._account.processes[last, self._how_it_ended(pid)] += 1
        if inherited is not None:
            self._account.edges[inherited, last] += 1

    def _task(self, tid: int, running: Arguments | None) -> Arguments | None:
        """Follow one task, and give the arguments of what it ran last."""
        for line in self._lines[tid]:
            executed, created = _EXEC.match(line), _CREATED.match(line)
            if executed:
                arguments = plain(_arguments(executed["argv"]))
                if executed["ok"]:
                    running = arguments
                else:
                    self._account.failed[arguments, _number(executed["errno"])] += 1
            elif created and b"CLONE_THREAD" in created["arguments"]:
                self._task(int(created["pid"]), running)
            elif created:
                self._process(int(created["pid"]), running)
            else:
                # Whatever this reads and does not understand would make the oracle lie.
                assert line.startswith((b"+++ ", b"--- ")) or b"= -1 E" in line, line
        return running

    def _how_it_ended(self, pid: int) -> str:
        exited = _EXITED.match(self._lines[pid][-1])
        if exited:
            return f"status {int(exited[1])}"
        killed = _KILLED.match(self._lines[pid][-1])
        assert killed, self._lines[pid][-1]
        return killed[1].decode()


def _arguments(text: bytes) -> Iterator[bytes]:
    found = list(_STRING.finditer(text))
    assert b", ".join(match[0] for match in found) == text
    for match in found:
        assert match[2] is None, "strace cut an argument"
        yield bytes.fromhex(match[1].replace(rb"\x", b"").decode())


def _number(name: bytes) -> str:
    return str(getattr(errno, name.decode()))
