# SPDX-License-Identifier: Apache-2.0
"""The root of the command line: commands, mistakes, errors, pipes and imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer

import proctrace
from proctrace import main
from tests.replay.story import build_story, deep_story, write_story
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(proctrace.__file__).parent


def run_process(*words: str, code: str = "") -> subprocess.CompletedProcess[str]:
    """Run proctrace, or Python code, in a process of its own."""
    called = ["-c", code] if code else ["-m", "proctrace"]
    return subprocess.run(
        [sys.executable, *called, *words],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["--help", "tree"]])
def test_help_names_every_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Without arguments too, on stdout."""
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for commands in proctrace._ROOMS.values():  # noqa: SLF001
        for command in commands:
            assert f"\n  {command} " in out


def test_help_has_the_commands_in_sections(capsys: pytest.CaptureFixture[str]) -> None:
    """Each once, in the order of use."""
    sections = proctrace._SECTIONS  # noqa: SLF001
    ordered = [name for names in sections.values() for name in names]
    rooms = [name for names in proctrace._ROOMS.values() for name in names]  # noqa: SLF001
    assert sorted(ordered) == sorted([*rooms, proctrace._RUN])  # noqa: SLF001
    assert main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    headings = [line[:-1] for line in lines if line[:-1] in sections]
    assert headings == list(sections)
    below = lines[lines.index(f"{headings[0]}:") :]
    assert [line.split()[0] for line in below if line[2:3].isalpha() and line[:1] == " "] == ordered


@pytest.mark.parametrize("room", proctrace._ROOMS)  # noqa: SLF001
def test_the_rooms_register_what_the_root_says(room: str) -> None:
    """The table of commands decides what is imported, so it has to be right."""
    app = typer.Typer()
    __import__(room, fromlist=["register"]).register(app)
    registered = [command.callback for command in app.registered_commands]
    names = [command.__name__ for command in registered if command]
    names += [str(group.name) for group in app.registered_groups]
    assert tuple(names) == proctrace._ROOMS[room]  # noqa: SLF001


def test_every_command_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    """In its help."""
    for commands in proctrace._ROOMS.values():  # noqa: SLF001
        for command in commands:
            assert main([command, "--help"]) == 0
            assert "Example: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "what", "hint"),
    [
        (["tre"], "no such command 'tre'", "did you mean 'tree'?"),
        (["frobnicate"], "no such command 'frobnicate'", "'proctrace --help'"),
        (["tree", "--thread", "x"], "no such option: --thread", "did you mean --threads?"),
        (["--nope"], "no such option: --nope", "'proctrace --help'"),
        (["tree"], "missing argument 'FILE'", "'proctrace tree --help'"),
        (["tree", "a", "b"], "got unexpected extra argument", "'proctrace tree --help'"),
        (["dump", "--limit", "x", "a"], "invalid value for '--limit'", "'proctrace dump --help'"),
        (["tree", "--debug", "a"], "no such option: --debug", "proctrace --debug tree"),
        (["\x1b[31m"], "no such command '\\x1b[31m'", "'proctrace --help'"),
    ],
)
def test_a_mistake(
    words: list[str], what: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three lines: what, how it is used, what to do; and status 2."""
    assert main(words) == 2
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert len(lines) == 3
    assert lines[0].startswith(f"proctrace: {what}")
    assert lines[1].startswith("  usage: proctrace ")
    assert lines[2].startswith("  hint: ")
    assert hint in lines[2]


def test_an_unknown_command_is_looked_for_in_both_rooms(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`recrod` is `record`, `adit` is `audit`."""
    for typo, command in (("recrod", "record"), ("adit", "audit")):
        assert main([typo]) == 2
        assert f"did you mean '{command}'?" in capsys.readouterr().err


def app_with(command: Callable[..., None]) -> Callable[[list[str]], typer.Typer]:
    """Give what makes an application whose only command is `fail`."""

    def app(_words: list[str]) -> typer.Typer:
        made = typer.Typer(cls=proctrace._Root)  # noqa: SLF001
        made.callback()(lambda: None)
        made.command("fail")(command)
        return made

    return app


def raising(error: BaseException) -> Callable[[list[str]], typer.Typer]:
    """Give what makes an application whose command raises."""

    def command() -> None:
        raise error

    return app_with(command)


@pytest.mark.parametrize(
    ("error", "status", "lines"),
    [
        (
            ProctraceError("no\x1b[2J", "because\nof", "do", status=77),
            77,
            ["proctrace: no\\x1b[2J", "  why: because\\nof", "  hint: do"],
        ),
        (
            OSError(28, "No space left on device", "out"),
            125,
            ["proctrace: the system refused an operation on 'out'",
             "  why: No space left on device"],
        ),
        (KeyError("x"), 125, ["proctrace: this is a bug in proctrace", "  why: KeyError: 'x'"]),
    ],
)  # fmt: skip
def test_an_error(
    error: Exception,
    status: int,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Three lines without anything that steers a terminal; no traceback."""
    monkeypatch.setattr(proctrace, "_app", raising(error))
    assert main(["fail"]) == status
    err = capsys.readouterr().err.splitlines()
    assert err[: len(lines)] == lines
    assert len(err) == 3


def test_a_traceback_for_those_who_ask(tmp_path: Path) -> None:
    """GIVEN --debug before the command WHEN it fails THEN the traceback comes first."""
    result = run_process("--debug", "tree", str(tmp_path / "none"))
    assert result.returncode == 2
    assert result.stderr.startswith("Traceback")
    assert result.stderr.splitlines()[-3].startswith("proctrace: cannot read")


def test_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    """128 + SIGINT, and nothing to read."""
    monkeypatch.setattr(proctrace, "_app", raising(KeyboardInterrupt()))
    assert main(["fail"]) == 130


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    """GIVEN `proctrace tree | head` WHEN head ends THEN proctrace ends quietly, as by SIGPIPE."""
    path = write_story(deep_story(3000), tmp_path / "deep.ptrace")
    with subprocess.Popen(
        [sys.executable, "-m", "proctrace", "tree", str(path)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


def test_a_full_disk(tmp_path: Path) -> None:
    """GIVEN an output that takes nothing WHEN a report is written THEN it is an error."""
    path = write_story(build_story(), tmp_path / "a.ptrace")
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        result = subprocess.run(
            [sys.executable, "-m", "proctrace", "tree", str(path)],
            cwd=ROOT, check=False, stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    assert result.returncode == 125
    assert "No space left on device" in result.stderr
    assert len(result.stderr.splitlines()) == 3


@pytest.mark.parametrize("errors", ["2>/dev/full", "2>&-"])
def test_an_error_that_nobody_can_be_told(errors: str) -> None:
    """GIVEN a standard error that takes nothing THEN the status still tells."""
    script = f'exec "$0" -m proctrace tree /no/such.ptrace {errors}'
    result = subprocess.run(["sh", "-c", script, sys.executable], cwd=ROOT, check=False)
    assert result.returncode == 2


def test_ascii_terminals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a locale without UTF-8 WHEN a tree is drawn THEN it is drawn in ASCII."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    path = write_story(build_story(), tmp_path / "a.ptrace")
    result = run_process("tree", str(path))
    assert result.returncode == 0
    assert result.stdout.isascii()
    assert "|- /bin/true" in result.stdout


LOADED = "import sys; from proctrace import main; main(sys.argv[1:]); print(*sys.modules)"


@pytest.mark.parametrize(
    ("words", "absent"),
    [
        (["record", "--help"], {"replay", "polars", "numpy", "bcc", "rich.console"}),
        (["tree", "--help"], {"tracer", "polars", "numpy", "bcc", "rich.console"}),
        (["--help"], {"polars", "numpy", "bcc", "rich.console"}),
        (["--version"], {"polars", "numpy", "bcc"}),
    ],
)
def test_what_is_not_imported(words: list[str], absent: set[str]) -> None:
    """One side never needs the other, and help needs nothing heavy."""
    loaded = set(run_process(*words, code=LOADED).stdout.splitlines()[-1].split())
    assert "proctrace" in loaded
    assert loaded & absent == set()


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The name and a version."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("proctrace ")


def test_words_behind_two_dashes_are_the_commands_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a command with options WHEN it stands behind `--` THEN its argv arrives whole."""
    argv = ["sh", "-c", "a  b", "--debug", "", "--", "-h"]
    arrived: list[str] = []

    def command(words: list[str]) -> None:
        arrived.extend(words)
        raise ProctraceError("what", "why", "hint")

    monkeypatch.setattr(proctrace, "_app", app_with(command))
    assert main(["fail", "--", *argv]) == 125
    assert arrived == argv
    assert "Traceback" not in capsys.readouterr().err
