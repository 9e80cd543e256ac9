# SPDX-License-Identifier: Apache-2.0
"""The commands `model` and `explain` from end to end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proctrace import main
from replay.checks.registry import CHECKS
from tests.golden import check_golden

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize(
    ("golden", "words"),
    [
        ("list.txt", "model list"),
        ("list.json", "model list --json"),
        ("show-6.18.txt", "model show linux-6.18"),
        ("diff.txt", "model diff linux-5.19 linux-6.12"),
        ("diff.json", "model diff linux-6.6 linux-6.12 --json"),
        ("explain.txt", "explain shared-objects"),
        ("explain.json", "explain --json refused-flags"),
    ],
)
def test_golden_outputs(golden: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As they were last read by a person, byte for byte."""
    assert main(words.split()) == 0
    out, err = capsys.readouterr()
    assert err == ""
    check_golden(GOLDEN / golden, out)


@pytest.mark.parametrize("name", ["linux-5.10", "linux-6.18", "textbook"])
def test_a_model_as_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whole: steps with order, conditions, errors and observations."""
    assert main(["model", "show", name, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["schema_version"], found["name"]) == (1, name)
    step = next(step for step in found["steps"] if step["id"] == "copy_files")
    assert step["observe"]["t0"][0]["when"] == {"none": ["CLONE_FILES"]}


def test_every_rule_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """And explained."""
    assert main(["explain"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == [check.id for check in CHECKS]
    for rule in listed:
        assert main(["explain", rule]) == 0
        assert "kernel" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("model show linux-6.1x", "did you mean linux-6.1"),
        ("model diff textbook txtbook", "did you mean textbook?"),
        ("explain shared", "did you mean shared-objects?"),
        ("model shw linux-6.1", "did you mean 'show'?"),
    ],
)
def test_a_mistake(words: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Three lines, status 2, and what was meant."""
    assert main(words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert hint in err
    assert len(err.splitlines()) == 3
