# SPDX-License-Identifier: Apache-2.0
"""What may be expected, by one word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proctrace import main
from replay.compare.sources import Conditions, Expected, expected_from
from traces.errors import ProctraceError
from traces.reader import open_trace

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = Conditions([], "")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with a trace of fork-and-write for 5.10, with 10 pages."""
    monkeypatch.chdir(tmp_path)
    arguments = "fork-and-write -o a.ptrace --set pages=10 --model linux-5.10"
    assert main(["simulate", *arguments.split()]) == 0
    return tmp_path


def given(word: str, conditions: Conditions = PLAIN) -> Expected:
    """Read what a word stands for."""
    return expected_from(word, open_trace("a.ptrace"), conditions)


@pytest.mark.usefixtures("folder")
def test_a_scenario_is_simulated_as_the_trace_was() -> None:
    """With its parameters and its model, unless others are asked for."""
    found = given("fork-and-write")
    assert found.account.what == "fork-and-write, simulated for Linux 5.10"
    assert found.account.pages is not None
    assert sum(counts["first_touch"] for counts in found.account.pages.counts.values()) == 10
    other = given("fork-and-write", Conditions(["pages=20"], "linux-6.18"))
    assert other.account.what == "fork-and-write, simulated for Linux 6.18"
    assert other.notes == ("parameter pages is 10 in ACTUAL and 20 in EXPECTED",)


def test_files(folder: Path) -> None:
    """Scenarios and expectations are text, all else is a trace."""
    (folder / "s.yaml").write_text("scenario: s\nabout: s\nactors: {p: []}\n")
    (folder / "e.json").write_text('{"expectation": 1, "figures": {"processes": 2}}')
    assert given("s.yaml").account.what == "s, simulated for Linux 5.10"
    assert given("e.json").account.figures == {"processes": 2}
    assert given("a.ptrace").account.ordered
    (folder / "vfork").write_bytes((folder / "a.ptrace").read_bytes())
    assert given("vfork").account.what.startswith("fork-and-write")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("word", "what"),
    [("fork-and-writ", "there is no scenario 'fork-and-writ'"),
     ("no.ptrace", "cannot read 'no.ptrace' as a trace"), ("no.yaml", "cannot read no.yaml")],
)  # fmt: skip
def test_what_is_not_there(word: str, what: str) -> None:
    """Each by what it looks like."""
    with pytest.raises(ProctraceError, match=what):
        given(word)


def test_conditions_are_for_scenarios(folder: Path) -> None:
    """A trace was simulated already, and an expectation is not."""
    (folder / "e.json").write_text('{"expectation": 1, "figures": {}}')
    for word in ("a.ptrace", "e.json"):
        for conditions in (Conditions(["pages=1"], ""), Conditions([], "linux-6.18")):
            with pytest.raises(ProctraceError, match="are about scenarios"):
                given(word, conditions)
