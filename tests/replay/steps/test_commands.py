# SPDX-License-Identifier: Apache-2.0
"""The command `steps` from end to end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from proctrace import main
from tests.replay.steps.story import StepsTrace, steps_trace
from traces.columns import NUMPY_TYPES
from traces.schema import TABLES
from traces.writer import TraceWriter

if TYPE_CHECKING:
    from pathlib import Path

    from traces.columns import Values


def _write(trace: StepsTrace, path: Path) -> str:
    with path.open("wb") as file:
        writer = TraceWriter(file)
        for name, value in trace.metadata.items():
            writer.metadata(name, value)
        for name in trace.rows:
            frame = trace.table(name)
            values: dict[str, Values] = {}
            for column in TABLES[name].columns:
                cells = frame.get_column(column.name).to_list()
                values[column.name] = (
                    cells if column.type == "bytes" else np.array(cells, NUMPY_TYPES[column.type])
                )
            writer.rows(name, values)
        writer.finish()
    return str(path)


@pytest.fixture
def trace(tmp_path: Path) -> str:
    """Give a trace file with the story."""
    return _write(steps_trace(), tmp_path / "a.ptrace")


def test_sums_one_creation_and_a_failure(trace: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each view as text and as JSON with a version, the same bytes twice."""
    for words in ((), ("--pid", "11"), ("--failed",)):
        assert main(["steps", trace, *words]) == 0
        assert "model" in capsys.readouterr().out
        assert main(["steps", trace, *words, "--json"]) == 0
        first = capsys.readouterr().out
        assert main(["steps", trace, *words, "--json"]) == 0
        assert capsys.readouterr().out == first
        document = json.loads(first)
        assert (document["schema_version"], document["model"]) == (1, "linux-6.18")
        assert document.get("failed_at", []) == (["alloc_pid"] if "--failed" in words else [])


def test_another_model(trace: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Any model can be asked for by name."""
    assert main(["steps", trace, "--model", "linux-6.1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == "linux-6.1"


@pytest.mark.parametrize(
    "words",
    [
        ("--pid", "99"),
        ("--pid", "x"),
        ("--pid", "11@x"),
        ("--pid", "11@12"),
        ("--model", "linux-0.1"),
        ("--failed", "--pid", "11"),
    ],
)
def test_what_is_not_there(
    trace: str, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """One error of three lines, and the status for unusable input."""
    assert main(["steps", trace, *words]) == 2
    assert "hint:" in capsys.readouterr().err


def test_a_recording_without_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says how to record them."""
    trace = steps_trace()
    trace.rows.pop("step")
    trace.metadata["recording"] = {"steps": False}
    assert main(["steps", _write(trace, tmp_path / "b.ptrace")]) == 2
    assert "record --steps" in capsys.readouterr().err


def test_a_host_that_hid_its_addresses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Says so: no allocation can be told to be of a step, and none is missing."""
    trace = steps_trace()
    trace.rows.pop("kernel_function")
    path = _write(trace, tmp_path / "f.ptrace")
    for words in ((), ("--pid", "11")):
        assert main(["steps", path, *words]) == 0
        out = capsys.readouterr().out
        assert "kernel.kptr_restrict" in out
        assert "missing" not in out


def test_no_call_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--failed has nothing to show then."""
    trace = steps_trace()
    trace.drop("clone_call", result=-17)
    assert main(["steps", _write(trace, tmp_path / "c.ptrace"), "--failed"]) == 2
    assert "no failed call" in capsys.readouterr().err


def test_a_pid_that_was_used_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is not guessed which is meant; each can be named by its start."""
    trace = steps_trace()
    trace.rows["newtask"][1] |= {"child_tid": 11, "child_start_ns": 99}
    path = _write(trace, tmp_path / "d.ptrace")
    assert main(["steps", path, "--pid", "11"]) == 2
    error = capsys.readouterr().err
    assert "they are 11@11, 11@99" in error
    assert "made 2 times" in error
    for start_ns, flags in ((11, 0), (99, 0x50F00)):
        assert main(["steps", path, "--pid", f"11@{start_ns}", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["clone_flags"] == flags


def test_a_simulation_has_no_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to record again."""
    trace = steps_trace()
    trace.rows.pop("step")
    trace.metadata |= {"recording": {}, "simulation": {"scenario": "zombie"}}
    assert main(["steps", _write(trace, tmp_path / "e.ptrace")]) == 2
    assert "proctrace run" in capsys.readouterr().err


def test_lines_are_cropped_on_request(trace: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A pipe crops nothing by itself."""
    assert main(["steps", trace, "--pid", "11"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) > 80
    assert main(["steps", trace, "--pid", "11", "--width", "80"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) == 80
