# SPDX-License-Identifier: Apache-2.0
"""What a trace says about itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from replay.losses import Losses
from replay.report.info import info_json, info_lines
from replay.report.json_text import document
from tests.replay.story import build_story, write_story
from traces.reader import open_trace

if TYPE_CHECKING:
    from pathlib import Path

    from traces.metadata import JsonValue
    from traces.reader import Trace


def shown(trace: Trace) -> str:
    """Give the report as plain text, with single spaces between its columns."""
    lines = ("".join(text for text, _ in line) for line in info_lines(trace, Losses.of(trace)))
    return "\n".join(" ".join(line.split()) for line in lines)


def test_a_complete_trace(tmp_path: Path) -> None:
    """Format, metadata by name, how sure each fact is, and no loss."""
    trace = open_trace(write_story(build_story(), tmp_path / "a.ptrace"))
    report = shown(trace)
    assert "state complete" in report
    assert "command sh build.sh" in report
    assert "task_created observed raw tracepoint task_newtask" in report
    assert "reaped inferred before wait returned" in report
    assert "none recorded" in report


def test_a_truncated_trace_says_why(tmp_path: Path) -> None:
    """And what could be read is shown all the same."""
    trace = open_trace(write_story(build_story(), tmp_path / "a.ptrace", finish=False))
    assert "truncated: the file ends without a trailer" in shown(trace)
    assert info_json(trace, Losses.of(trace))["complete"] is False


def test_losses_are_named(tmp_path: Path) -> None:
    """By ring and CPU."""
    history = build_story()
    history.made.lose("started")
    trace = open_trace(write_story(history, tmp_path / "a.ptrace"))
    assert "10 records in events on CPU 0" in shown(trace)


def test_metadata_of_any_shape(tmp_path: Path) -> None:
    """Nested, empty, or not what the recorder writes."""
    metadata: dict[str, JsonValue] = {
        "odd": [{"a": [1, 2], "b": {"c": None}}, []],
        "plan": "none",
        "text": "x",
    }
    trace = open_trace(write_story(build_story(), tmp_path / "a.ptrace", metadata=metadata))
    report = shown(trace)
    assert "[0].a 1 2" in report
    assert "[0].b.c -" in report
    assert "\ntext\nx" in report


def test_metadata_that_is_asked_for_first_stands_first(tmp_path: Path) -> None:
    """The recording, then the host; what nothing is known of at the end, by name."""
    names = ("audit", "extra", "host", "recording", "run")
    metadata: dict[str, JsonValue] = {name: {"a": 1} for name in names}
    trace = open_trace(write_story(build_story(), tmp_path / "a.ptrace", metadata=metadata))
    lines = [line for line in shown(trace).splitlines() if line in names]
    assert lines == ["recording", "run", "host", "audit", "extra"]


def test_a_long_text_is_cut(tmp_path: Path) -> None:
    """As the plan of a scenario is, a line for each of its actions."""
    metadata: dict[str, JsonValue] = {"run": {"plan": "plan 1\nactor 0\nend\n"}}
    trace = open_trace(write_story(build_story(), tmp_path / "a.ptrace", metadata=metadata))
    assert "plan plan 1 … (2 lines more; --json has all)" in shown(trace)


def test_json_does_not_depend_on_the_path(tmp_path: Path) -> None:
    """The same trace gives the same bytes wherever it lies."""
    first = open_trace(write_story(build_story(), tmp_path / "a.ptrace"))
    (tmp_path / "b.ptrace").write_bytes((tmp_path / "a.ptrace").read_bytes())
    second = open_trace(tmp_path / "b.ptrace")
    texts = [document(info_json(trace, Losses.of(trace))) for trace in (first, second)]
    assert texts[0] == texts[1]
    tables = {table["table"]: table["rows"] for table in json.loads(texts[0])["tables"]}
    assert tables["newtask"] == 10
