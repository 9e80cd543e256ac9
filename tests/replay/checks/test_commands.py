# SPDX-License-Identifier: Apache-2.0
"""The command `check` from end to end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from proctrace import main
from tests.golden import check_golden
from tests.replay.checks.creating import FILES, PTHREAD, VFORK, VM, create, creations, fail, only
from tests.replay.story import write_tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.histories.fake import FakeTrace
    from traces.metadata import JsonValue

GOLDEN = Path(__file__).parent / "golden"
METADATA: dict[str, JsonValue] = {
    "host": {"kernel": "6.18.2"}, "recording": {"begin_ns": 500, "end_ns": 99_000}
}  # fmt: skip
RULES = ("refused-flags", "step-errors", "shared-objects", "new-task-state", "new-task-flags",
         "new-task-members", "parent-and-group", "exit-signal", "child-runs-first")  # fmt: skip
"""Rules of this folder that creations alone are about."""
CHOSEN = tuple(word for rule in RULES for word in ("--rule", rule))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    """Give what runs `check` on a trace: exit status, stdout, stderr."""

    def run_check(
        trace: FakeTrace, *words: str, kernel: str = "6.18.2", finish: bool = True
    ) -> tuple[int, str, str]:
        metadata: dict[str, JsonValue] = {**METADATA, "host": {"kernel": kernel}}
        path = write_tables(trace, tmp_path / "a.ptrace", metadata, finish=finish)
        status = main(["check", str(path), *words])
        out, err = capsys.readouterr()
        return status, out, err

    return run_check


def broken() -> FakeTrace:
    """Give a trace that breaks two rules and leaves one open."""
    trace = creations(0, PTHREAD, VM | VFORK)
    create(trace, FILES, 30, 30_000)
    only(trace, index=3)["child_files"] += 8
    only(trace, index=1)["child_cred"] += 8
    fail(trace, 10)
    return trace


@pytest.mark.parametrize(
    ("golden", "words"),
    [
        ("check.txt", CHOSEN),
        ("check.json", ("--json", "--rule", "shared-objects", "--rule", "step-errors")),
        ("textbook.txt", ("--model", "textbook", *CHOSEN)),
    ],
)
def test_golden_outputs(
    run: Callable[..., tuple[int, str, str]], golden: str, words: tuple[str, ...]
) -> None:
    """As they were last read by a person, byte for byte."""
    status, out, err = run(broken(), *words)
    assert (status, err) == (1, "")
    check_golden(GOLDEN / golden, out)


def test_the_exit_status(run: Callable[..., tuple[int, str, str]]) -> None:
    """0 holds, 1 violated, 3 undecided by loss, also of a trace that was cut off."""
    assert run(creations(0), *CHOSEN)[0] == 0
    assert run(broken(), *CHOSEN)[0] == 1
    assert run(creations(0), *CHOSEN, finish=False)[0] == 3
    lossy = creations(0, 0)
    lossy.lose("newtask", child_tid=12)
    assert run(lossy, "--rule", "new-task-state")[0] == 3
    assert run(lossy, "--rule", "step-errors")[0] == 3


def test_the_model_of_the_kernel(run: Callable[..., tuple[int, str, str]]) -> None:
    """A note says where there is none for it."""
    _, out, _ = run(creations(0), kernel="6.1.0-56-amd64")
    assert out.startswith("model   linux-6.1: ")
    assert "note" not in out
    _, out, _ = run(creations(0), kernel="7.3.1")
    assert "no model is as new as Linux 7.3" in out


def test_a_model_of_ones_own(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    """By its path: here a kernel whose new tasks are running at once."""
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "name: mine\ntitle: Mine\nextends: linux-6.18\n"
        "steps: {sched_fork: {leaves: {not_running: {to: TASK_RUNNING}}}}\n"
    )
    status, out, _ = run(creations(0), "--model", str(mine), "--json", "--rule", "new-task-state")
    found = json.loads(out)
    assert (status, found["model"], found["rules"][0]["outcome"]) == (1, "mine", "violation")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--rule", "shared-objcts"), "did you mean shared-objects?"),
        (("--model", "textbok"), "did you mean textbook?"),
        (("--model", "nowhere.yaml"), "check the name"),
    ],
)
def test_a_mistake(
    run: Callable[..., tuple[int, str, str]], words: tuple[str, ...], hint: str
) -> None:
    """Three lines and status 2."""
    status, out, err = run(creations(0), *words)
    assert (status, out) == (2, "")
    assert hint in err
    assert len(err.splitlines()) == 3
