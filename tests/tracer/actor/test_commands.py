# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.actor.commands: what is recorded, and what the user is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tracer.actor.scripts import script_of
from tracer import recorder
from tracer.actor.commands import act_and_record
from tracer.recorder import Outcome
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tracer.request import Request

SCRIPT = script_of("actors: {p: }", words=("--ostep", "a b"))


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[Request]]:
    """Give a function that makes a recording end as it says, and keeps what was asked for."""

    def ending(
        status: int = 0, lost: int = 0, by: str = "end of the last task",
        problem: ProctraceError | None = None, interrupted_by: int = 0,
    ) -> list[Request]:  # fmt: skip
        made: list[Request] = []

        def record(request: Request, _notice: object) -> Outcome:
            made.append(request)
            path = tmp_path / "a.ptrace"
            return Outcome(path, status, 2048, 0, lost, by, problem, interrupted_by)

        monkeypatch.setattr(recorder, "record", record)
        return made

    return ending


def test_all_that_a_comparison_needs_is_recorded(
    recorded: Callable[..., list[Request]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults, steps, and all processes until the last is gone."""
    requests = recorded(status=7)
    assert act_and_record(SCRIPT, tmp_path / "a.ptrace", overwrite=True) == 0
    [request] = requests
    assert request.faults
    assert request.faults_required
    assert request.steps
    assert request.until_last
    assert request.overwrite
    assert (request.command, request.script) == (("told",), SCRIPT)
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == (
        f"proctrace: Wrote {tmp_path}/a.ptrace (2 KiB)\n"
        f"proctrace: Next: proctrace compare {tmp_path}/a.ptrace --ostep 'a b'\n"
    )


def test_a_file_must_be_named() -> None:
    """Nothing is executed without."""
    with pytest.raises(ProctraceError) as caught:
        act_and_record(SCRIPT, None, overwrite=False)
    assert (caught.value.status, caught.value.hint) == (
        2, "add it: proctrace run told -o told.ptrace",
    )  # fmt: skip


@pytest.mark.parametrize("by", ["signal", "end of the last task"])
def test_a_signal_is_the_status(
    recorded: Callable[..., list[Request]], tmp_path: Path, by: str
) -> None:
    """As a shell has it, even when it ended all actors before the recorder took notice."""
    problem = ProctraceError("what", "why", "hint")
    recorded(status=143, by=by, interrupted_by=2, problem=problem)
    assert act_and_record(SCRIPT, tmp_path / "a.ptrace", overwrite=False) == 130


def test_losses_and_problems_are_told(
    recorded: Callable[..., list[Request]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A problem ends the command as any error does."""
    problem = ProctraceError("what", "why", "hint")
    recorded(lost=3, problem=problem)
    with pytest.raises(ProctraceError) as caught:
        act_and_record(SCRIPT, tmp_path / "a.ptrace", overwrite=False)
    assert caught.value is problem
    assert "LOST 3 records" in capsys.readouterr().err
