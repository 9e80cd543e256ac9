# SPDX-License-Identifier: Apache-2.0
"""The offline commands from end to end: a trace file in, bytes and an exit status out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from proctrace import main
from replay.commands import COMMANDS
from tests.golden import UPDATE_VARIABLE, check_golden
from tests.replay.story import build_story, write_story

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Give what runs proctrace in an empty folder: exit status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def run_proctrace(*words: str) -> tuple[int, str, str]:
        status = main(words)
        out, err = capsys.readouterr()
        return status, out, err

    return run_proctrace


@pytest.fixture
def trace(tmp_path: Path) -> str:
    """Give the name of a trace of the story in that folder."""
    return write_story(build_story(), tmp_path / "build.ptrace").name


@pytest.mark.parametrize(
    ("golden", "words"),
    [
        ("tree.txt", "tree"),
        ("tree-80.txt", "tree --width 80"),
        ("tree-120-threads.txt", "tree --width 120 --threads"),
        ("tree.json", "tree --json"),
        ("replay-80.txt", "replay --width 80"),
        ("replay.json", "replay --json"),
        ("audit.txt", "audit"),
        ("dump-exit.txt", "dump --table exit --limit 2"),
        ("dump-by-time.jsonl", "dump --by-time --limit 5 --json"),
    ],
)
def test_golden_outputs(
    run: Callable[..., tuple[int, str, str]], trace: str, golden: str, words: str
) -> None:
    """Every report as it was last read by a person, byte for byte."""
    status, out, err = run(*words.split(), trace)
    assert (status, err) == (0, "")
    check_golden(GOLDEN / golden, out)


@pytest.mark.parametrize("command", [command.__name__ for command in COMMANDS])
def test_json_is_the_same_twice(
    run: Callable[..., tuple[int, str, str]], trace: str, command: str
) -> None:
    """GIVEN a trace WHEN a command is run twice THEN the same bytes come out, with a version."""
    _, first, _ = run(command, "--json", trace)
    _, second, _ = run(command, "--json", trace)
    assert first == second
    document = first.splitlines()[0] if command == "dump" else first
    assert json.loads(document)["schema_version"] == 1


@pytest.mark.parametrize("command", [command.__name__ for command in COMMANDS])
def test_hostile_arguments_are_escaped(
    run: Callable[..., tuple[int, str, str]], trace: str, command: str
) -> None:
    """GIVEN an argv with escape sequences WHEN it is shown THEN none reaches the terminal."""
    _, out, _ = run(command, trace)
    assert all(line.isprintable() for line in out.split("\n"))


@pytest.mark.parametrize("command", [command.__name__ for command in COMMANDS])
@pytest.mark.parametrize(
    ("content", "why"), [(b"", "why: "), (b"\x7fELF" + bytes(100), "why: "), (None, "No such file")]
)
def test_a_file_that_is_no_trace(
    run: Callable[..., tuple[int, str, str]], command: str, content: bytes | None, why: str
) -> None:
    """GIVEN no trace WHEN a command reads it THEN it says so in three lines, with status 2."""
    if content is not None:
        Path("bad.ptrace").write_bytes(content)
    status, out, err = run(command, "bad.ptrace")
    assert (status, out) == (2, "")
    assert err.startswith("proctrace: cannot read 'bad.ptrace' as a trace\n")
    assert why in err
    assert len(err.splitlines()) == 3


def test_a_truncated_trace_is_shown_as_far_as_it_goes(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """GIVEN a recorder that was killed WHEN its file is read THEN the audit says 3."""
    write_story(build_story(), tmp_path / "cut.ptrace", finish=False)
    assert run("audit", "cut.ptrace")[0] == 3
    status, out, _ = run("replay", "cut.ptrace")
    assert status == 0
    assert "recording  truncated" in out
    assert "build.sh" in out


def test_an_unknown_table(run: Callable[..., tuple[int, str, str]], trace: str) -> None:
    """It names those there are, and the one that was probably meant."""
    status, _, err = run("dump", "--table", "exce", trace)
    assert status == 2
    assert "did you mean exec?" in err


def test_tables_come_in_the_order_of_the_schema(
    run: Callable[..., tuple[int, str, str]], trace: str
) -> None:
    """However they were asked for."""
    _, out, _ = run("dump", "--table", "exit", "--table", "exec", trace)
    tables = [line.split()[0] for line in out.splitlines()]
    assert tables == sorted(tables, key=["exec", "exit"].index)
    assert set(tables) == {"exec", "exit"}


def test_very_many_steps_are_left_to_check(
    run: Callable[..., tuple[int, str, str]], trace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their rules take longer than all else that replay does."""
    assert "on steps left" not in run("replay", trace)[1]
    monkeypatch.setattr("replay.commands.MANY_STEPS", -1)
    assert ", 4 on steps left to 'proctrace check'" in run("replay", trace)[1]


def test_a_golden_file_is_not_written_where_ci_is_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A test that writes what it expects cannot fail."""
    monkeypatch.setenv(UPDATE_VARIABLE, "1")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="refused"):
        check_golden(tmp_path / "a.txt", "a")
    assert not (tmp_path / "a.txt").exists()
