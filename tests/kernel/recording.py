# SPDX-License-Identifier: Apache-2.0
"""Records commands with the real command line, and reads what came of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from replay.checks.run import run_checks
from replay.forest import ProcessForest
from replay.model.load import model_for
from replay.recording import Recording as Recorded
from traces.reader import Trace, open_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from replay.checks.verdict import Verdict
    from replay.model.values import Model
    from replay.process import Process

    Argument = str | bytes | Path

PROCTRACE = str(Path(sys.executable).with_name("proctrace"))
"""The command as `pip install` put it beside the interpreter."""

_OURS = ("MAKE", "MFLAGS", "SUDO_", "PYTEST_", "COV_")
"""Variables by which whoever runs the tests would change what the recorded commands do."""


def clean_environment() -> dict[str, str]:
    """Give an environment in which a command does the same whoever runs the tests."""
    return {name: text for name, text in os.environ.items() if not name.startswith(_OURS)}


def proctrace(*arguments: Argument, **options: Any) -> subprocess.CompletedProcess[bytes]:  # noqa: ANN401 what subprocess.run takes
    """Run proctrace to its end and give what it wrote, whatever its status."""
    settings: dict[str, Any] = {"env": clean_environment(), "stdin": subprocess.DEVNULL, **options}
    return subprocess.run([PROCTRACE, *arguments], check=False, capture_output=True, **settings)


@dataclass(frozen=True)
class Recording:
    """A finished recording: its file, and what the recorder and the command wrote."""

    path: Path
    status: int
    stdout: bytes
    stderr: bytes

    @cached_property
    def trace(self) -> Trace:
        """The trace, opened."""
        return open_trace(self.path)

    @cached_property
    def forest(self) -> ProcessForest:
        """The forest that replay makes of it."""
        return ProcessForest.from_trace(self.trace)

    @property
    def root(self) -> Process:
        """The command; fails when the forest has more than this one tree."""
        [root] = self.forest.roots
        return root

    def only(self, matches: Callable[[Process], bool]) -> Process:
        """Give the one process that matches; fails when none or several do."""
        [process] = filter(matches, self.forest.processes.values())
        return process

    def by_pid(self, pid: int) -> Process:
        """Give the one process that had this pid."""
        return self.only(lambda process: process.id.tgid == pid)

    def by_status(self, status: int) -> Process:
        """Give the one process that exited with this status."""
        return self.only(lambda process: exit_status(process) == status)

    def rows(self, table: str, **equal: int) -> list[dict[str, Any]]:
        """Give the rows of a table whose columns equal the values given, in recorded order."""
        rows = self.trace.table(table).iter_rows(named=True)
        return [row for row in rows if all(row[name] == value for name, value in equal.items())]

    def numbers(self) -> list[list[int]]:
        """Give the numbers that the command printed, a list for each line."""
        return [[int(word) for word in line.split()] for line in self.stdout.splitlines()]

    def json(self, command: str, *options: str) -> Any:  # noqa: ANN401 JSON is anything
        """Give what an offline command says of the recording with --json."""
        done = proctrace(command, self.path, *options, "--json")
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    @cached_property
    def verdicts(self) -> dict[str, Verdict]:
        """What each rule of the model of the kernel that was recorded says of it."""
        model = _model_of(Recorded.of(self.trace).kernel)
        return {verdict.rule: verdict for verdict in run_checks(self.trace, model)}

    @property
    def shows_capabilities(self) -> bool:
        """Whether this host shows the capabilities that are asked for (since 6.14)."""
        plan: Any = self.trace.metadata["plan"]
        certainty = {row["fact"]: row["certainty"] for row in plan}
        return bool(certainty["capability_checked"] == "observed")

    def assert_keeps_the_model(self) -> None:
        """No rule is violated, and none is open because of a loss."""
        wrong = [verdict for verdict in self.verdicts.values() if verdict.violated or verdict.lost]
        cases = [f"{verdict.rule}: {case}" for verdict in wrong for case in verdict.cases]
        assert not wrong, "\n".join(cases)

    def assert_sound(self) -> None:
        """Nothing was lost, nothing contradicts itself, and the file has its end."""
        assert self.trace.complete, self.trace.truncated
        assert self.forest.losses.count == 0, self.forest.losses.by_place
        found = self.forest.anomalies.found()
        assert [(anomaly.kind.name, anomaly.count) for anomaly in found] == []


@cache
def _model_of(release: str) -> Model:
    return model_for(release).model


def record(
    output: Path,
    command: Sequence[Argument],
    *options: Argument,
    **run: Any,  # noqa: ANN401 as above
) -> Recording:
    """Record a command into `output` and give the recording."""
    done = proctrace("record", "-o", output, *options, "--", *command, **run)
    return Recording(output, done.returncode, done.stdout, done.stderr)


def exit_status(process: Process) -> int | None:
    """Give the exit status; None for a process that a signal ended, or that runs on."""
    return process.end.status if process.end is not None and not process.end.signal else None


def argv(process: Process) -> tuple[bytes, ...]:
    """Give the arguments of what it ran last."""
    image = process.images[-1] if process.images else process.inherited
    assert image is not None
    assert not image.argv_truncated
    return image.argv


def walk(root: Process, forest: ProcessForest) -> Iterator[Process]:
    """Give a process and all its descendants by birth."""
    yield root
    for child in root.children:
        yield from walk(forest.processes[child], forest)
