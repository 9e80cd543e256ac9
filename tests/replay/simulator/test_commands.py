# SPDX-License-Identifier: Apache-2.0
"""The command simulate, as it is called."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from proctrace import main
from replay.scenario.library import library_names
from traces.reader import open_trace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", library_names())
def test_every_command_works_on_a_simulated_trace(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Replay, tree, audit and the rest; nothing of it is incomplete."""
    path = str(tmp_path / "a.ptrace")
    assert main(["simulate", name, "-o", path]) == 0
    capsys.readouterr()
    for command in ("replay", "tree", "info", "dump", "audit"):
        assert main([command, path]) == 0, command
        assert capsys.readouterr().out
    if open_trace(tmp_path / "a.ptrace").rows("fault"):
        assert main(["cow", "--by", "fork", path]) == 0
    assert main(["check", path]) in {0, 3}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    """Another one another order."""
    texts = []
    for at, seed in enumerate(["1", "1", "2"]):
        path = tmp_path / f"{at}.ptrace"
        arguments = ["simulate", "fork-bomb", "-o", str(path), "--seed", seed]
        assert main([*arguments, "--set", "depth=3"]) == 0
        texts.append(path.read_bytes())
    assert texts[0] == texts[1] != texts[2]


def test_json_says_what_was_simulated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Model, parameters and what is open; the trace says it, too."""
    path = tmp_path / "a.ptrace"
    arguments = ["simulate", "vfork", "-o", str(path), "--json", "--model", "linux-5.10"]
    assert main([*arguments, "--set", "pages=4"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert (value["schema_version"], value["model"], value["parameters"]) == (
        1, "linux-5.10", {"pages": 4},
    )  # fmt: skip
    metadata: dict[str, Any] = dict(open_trace(path).metadata)
    assert metadata["simulation"]["scenario"] == "vfork"
    assert metadata["host"]["kernel"] == "5.10"
    kinds = ("writes", "waits", "orphans", "ended", "figures")
    assert value["open"] == {kind: [] for kind in kinds}


def test_ostep_s_actions_are_a_scenario(tmp_path: Path) -> None:
    """In place of a name."""
    path = tmp_path / "a.ptrace"
    assert main(["simulate", "--ostep", "a+b,b+c,c-", "-o", str(path)]) == 0
    assert open_trace(path).rows("newtask") == 2


def test_the_scenarios_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Also as JSON."""
    assert main(["simulate", "--list"]) == 0
    assert "fork-and-write" in capsys.readouterr().out
    assert main(["simulate", "--list", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["scenarios"]) == len(library_names())


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ([], "it is not clear what to simulate"),
        (["vfork", "--ostep", "a+b"], "it is not clear what to simulate"),
        (["vfork"], "there is nowhere to write the trace to"),
        (["vfork", "-o", "x", "--set", "pages=0"], "cannot use --set:1:1"),
        (["vfork", "-o", "x", "--model", "linux-0.1"], "there is no model 'linux-0.1'"),
        (["no", "-o", "x"], "there is no scenario 'no'"),
        (["--ostep", "a", "-o", "x"], "cannot use --ostep:1:1"),
    ],
)
def test_mistakes_are_errors(
    arguments: list[str], what: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Of three lines, and no file is left."""
    monkeypatch.chdir(tmp_path)
    assert main(["simulate", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"proctrace: {what}")
    assert not list(tmp_path.iterdir())
