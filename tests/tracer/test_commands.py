# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.commands: what the options mean before anything is recorded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from tracer import commands, recorder
from tracer.recorder import Outcome
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from tracer.request import Request

APP = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
commands.register(APP)


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Request]:
    """Give what would have been recorded, instead of recording it."""
    made: list[Request] = []

    def note(request: Request, _notice: object) -> Outcome:
        made.append(request)
        return Outcome(tmp_path / "a.ptrace", 7, 2048, 1, 3, "end of the command")

    monkeypatch.setattr(recorder, "record", note)
    return made


def _record(*arguments: str) -> Any:  # noqa: ANN401 - typer's result
    return CliRunner().invoke(APP, ["record", *arguments])


def test_the_command_is_passed_on_untouched(requests: list[Request]) -> None:
    """Options behind -- are the command's, and its status is ours."""
    result = _record("-o", "x.ptrace", "--", "ls", "-o", "--json", "--", "-f")
    assert requests[0].command == ("ls", "-o", "--json", "--", "-f")
    assert not requests[0].overwrite
    assert result.exit_code == 7


def test_all_options_reach_the_request(requests: list[Request], tmp_path: Path) -> None:
    """Each option has its field."""
    options = ["-f", "-p", "7", "-p", "8", "-a", "--cgroup", str(tmp_path), "--env"]
    _record(*options, "--until-last", "--duration", "1.5", "--max-size", "2M")
    request = requests[0]
    assert (request.overwrite, request.pids, request.whole_host) == (True, (7, 8), True)
    assert (request.cgroup, request.environment, request.until_last) == (tmp_path, True, True)
    assert (request.duration_s, request.max_size_bytes) == (1.5, 2 << 20)


def test_copies_are_audited_with_faults_alone(requests: list[Request]) -> None:
    """Without faults there is nothing to compare the kernel's counts with."""
    _record("--audit-copies", "--", "ls")
    assert (requests[0].faults_required, requests[0].audit_copies) == (True, True)
    result = _record("--no-faults", "--audit-copies", "--", "ls")
    assert isinstance(result.exception, ProctraceError)
    assert (result.exception.status, len(requests)) == (2, 1)


def test_stacks_are_those_of_faults(requests: list[Request]) -> None:
    """Without faults there are none."""
    _record("--stacks", "--", "ls")
    assert (requests[0].faults_required, requests[0].stacks) == (True, True)
    result = _record("--no-faults", "--stacks", "--", "ls")
    assert isinstance(result.exception, ProctraceError)
    assert (result.exception.status, len(requests)) == (2, 1)


@pytest.mark.parametrize(
    ("option", "asked"),
    [((), (True, False)), (("--faults",), (True, True)), (("--no-faults",), (False, False))],
)
def test_faults_are_recorded_where_possible(
    requests: list[Request], option: tuple[str, ...], asked: tuple[bool, bool]
) -> None:
    """Unless they are asked for, a host without them is no reason not to record."""
    _record(*option, "--", "ls")
    assert (requests[0].faults, requests[0].faults_required) == asked


def test_the_ending_tells_file_losses_and_the_next_step(requests: list[Request]) -> None:
    """Notices go to stderr; stdout is the command's."""
    result = _record("--", "true")
    assert requests
    assert result.stdout == ""
    assert "Wrote" in result.stderr
    assert "LOST 3 records" in result.stderr
    assert "1 followed task is still running" in result.stderr
    assert "Next: proctrace replay" in result.stderr


def test_the_next_step_can_be_pasted(
    requests: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the file is called."""
    outcome = Outcome(Path("a \x1b[2J"), 0, 0, 0, 0, "")
    monkeypatch.setattr(recorder, "record", lambda *_: outcome)
    result = _record("--", "true")
    assert requests == []
    assert "Next: proctrace replay $'a \\x1b[2J'" in result.stderr


def test_a_notice_that_nobody_reads_changes_nothing(requests: list[Request]) -> None:
    """Recording goes on with a standard error that takes nothing."""
    assert requests == []
    program = "from tracer.commands import _notice; _notice('x')"
    script = 'exec "$0" -c "$1" 2>/dev/full'
    done = subprocess.run(["sh", "-c", script, sys.executable, program], check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("text", ["inf", "nan", "-1", "soon"])
def test_what_is_no_duration_is_refused(requests: list[Request], text: str) -> None:
    """A trace holds finite numbers."""
    assert _record(f"--duration={text}", "--", "true").exit_code == 2
    assert requests == []


def test_nothing_to_record_is_one_clear_error(requests: list[Request]) -> None:
    """Neither a command nor a target."""
    result = _record()
    assert isinstance(result.exception, ProctraceError)
    assert result.exception.status == 2
    assert requests == []


@pytest.mark.parametrize(
    ("text", "size_bytes"), [("10", 10), ("1K", 1024), ("1.5M", 3 << 19), ("2GiB", 2 << 30)]
)
def test_sizes(requests: list[Request], text: str, size_bytes: int) -> None:
    """Binary units, as every other tool of this kind has them."""
    _record("--max-size", text, "--", "true")
    assert requests[0].max_size_bytes == size_bytes


@pytest.mark.parametrize("text", ["", "big", "-1M", "1Q", "1e9"])
def test_what_is_no_size_is_refused(requests: list[Request], text: str) -> None:
    """With an example of what is one."""
    result = _record(f"--max-size={text}", "--", "true")
    assert isinstance(result.exception, ProctraceError)
    assert result.exception.hint == "for example --max-size 500M"
    assert requests == []


def test_doctor_speaks_json() -> None:
    """For scripts that want to know whether they may record."""
    result = CliRunner().invoke(APP, ["doctor", "--json"])
    findings = json.loads(result.stdout)
    assert findings["schema_version"] == 1
    assert isinstance(findings["can_record"], bool)


def test_doctor_speaks_to_people() -> None:
    """The verdict is in words, too."""
    result = CliRunner().invoke(APP, ["doctor"])
    assert result.exit_code == 0
    assert "record" in result.stdout
