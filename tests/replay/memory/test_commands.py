# SPDX-License-Identifier: Apache-2.0
"""The commands about memory from end to end: a trace file in, bytes and an exit status out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from proctrace import main
from tests.golden import check_golden
from tests.histories.memory import MemoryHistory
from tests.replay.memory_story import build_memory_story
from tests.replay.story import build_story, write_story

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., tuple[int, str, str]]

GOLDEN = Path(__file__).parent.parent / "golden"
SH, A, B, V = 101, 102, 103, 104
"""Pids of the story's processes; the fourth is the vfork child."""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give what runs proctrace in a folder with the traces of both stories."""
    monkeypatch.chdir(tmp_path)
    write_story(build_memory_story(), tmp_path / "server.ptrace")
    write_story(build_story(), tmp_path / "no-faults.ptrace")

    def run_proctrace(*words: str) -> tuple[int, str, str]:
        status = main(words)
        out, err = capsys.readouterr()
        return status, out, err

    return run_proctrace


@pytest.mark.parametrize(
    ("golden", "words"),
    [
        ("cow-by-process.txt", "cow server.ptrace"),
        ("cow-by-fork.txt", "cow server.ptrace --by fork"),
        ("cow-by-fork.json", "cow server.ptrace --by fork --json"),
        ("cow-by-mapping.txt", "cow server.ptrace --by mapping"),
        ("cow-by-address.txt", "cow server.ptrace --by address --top 3"),
        ("cow-fork.txt", f"cow server.ptrace --fork {A}"),
        ("cow-fork-60.txt", f"cow server.ptrace --fork {A} --width 60"),
        ("cow-fork.json", f"cow server.ptrace --fork {B} --json"),
        ("cow-process.txt", f"cow server.ptrace --process {B}"),
        ("cow-process.json", f"cow server.ptrace --process {B} --json"),
        ("page.txt", f"page server.ptrace {B} 0x6000"),
        ("page.json", f"page server.ptrace {B} 0x6000 --json"),
        ("replay-memory-80.txt", "replay server.ptrace --width 80"),
    ],
)
def test_golden_outputs(run: Run, golden: str, words: str) -> None:
    """Every report as it was last read by a person, byte for byte."""
    status, out, err = run(*words.split())
    assert (status, err) == (0, "")
    check_golden(GOLDEN / golden, out)


def _json(run: Run, words: str) -> Any:  # noqa: ANN401 - what JSON holds
    status, out, err = run(*words.split(), "--json")
    assert (status, err) == (0, "")
    value = json.loads(out)
    assert value["schema_version"] == 1
    return value


@pytest.mark.parametrize("address", ["0x5000", "0x5fff", "20480", "5abc", str(0x5123)])
def test_any_address_in_a_page(run: Run, address: str) -> None:
    """In hex or decimal."""
    assert _json(run, f"page server.ptrace {SH} {address}")["address"] == 0x5000


def test_an_address_that_began_with_zero_is_decimal(run: Run) -> None:
    """As printf pads it."""
    assert _json(run, f"page server.ptrace {SH} 0020480")["address"] == 0x5000


def test_a_process_by_its_id(run: Run) -> None:
    """The ids that JSON has are understood."""
    id_ = _json(run, f"page server.ptrace {SH} 0x5000")["process"]
    assert id_.startswith(f"{SH}@")
    assert _json(run, f"page server.ptrace {id_} 0x5000")["process"] == id_


def test_a_fork_as_columns(run: Run) -> None:
    """The states and the runs come to the same sums."""
    value = _json(run, f"cow server.ptrace --fork {A}")
    runs = [run for mapping in value["mappings"] for run in mapping["runs"]]
    assert sum(count for _, count, _ in runs) == value["pages"] == value["fork"]["shared"]
    for state, count in value["states"].items():
        assert sum(pages for _, pages, of in runs if of == state) == count
    assert value["states"]["copied by child"] == value["fork"]["child_copied"]


def test_contradictions_are_shown(run: Run, tmp_path: Path) -> None:
    """GIVEN a page in another frame than known WHEN copies are summed up THEN it is said."""
    history = MemoryHistory()
    history.tell("sh writes 5, sh forks a")
    history.mm("a").ptes[5].frame += 1
    history.tell("a writes 5")
    write_story(history, tmp_path / "odd.ptrace")
    _, out, _ = run("cow", "odd.ptrace")
    assert "1  inherited_frame_differs  info" in out
    [one] = _json(run, "cow odd.ptrace")["contradictions"]
    assert (one["name"], one["count"]) == ("inherited_frame_differs", 1)
    assert _json(run, "cow server.ptrace")["contradictions"] == []


@pytest.mark.parametrize("words", ["cow", f"cow --fork {A}", f"cow --process {SH}",
                                   f"page 0x5000 {SH}"])  # fmt: skip
def test_json_is_the_same_twice_and_hostile_names_are_escaped(
    run: Run, tmp_path: Path, words: str
) -> None:
    """GIVEN a program with an escape sequence as its name THEN none reaches the terminal."""
    history = MemoryHistory()
    history.execs("sh", "/bin/a\x1b[31m[red]b\nc")
    history.tell("sh writes 5, sh forks a, a writes 5")
    write_story(history, tmp_path / "hostile.ptrace")
    command, *options = words.split()
    options = ["hostile.ptrace", *reversed(options)] if command == "page" else [
        *options, "hostile.ptrace"]  # fmt: skip
    first, second = (run(command, *options, "--json")[1] for _ in range(2))
    assert first == second
    status, out, _ = run(command, *options)
    assert status == 0
    assert all(line.isprintable() for line in out.split("\n"))
    assert "a\\x1b[31m[red]b\\nc" in out


@pytest.mark.parametrize("words", ["cow bad.ptrace", "page bad.ptrace 1 0x5000"])
def test_a_file_that_is_no_trace(run: Run, words: str) -> None:
    """It says so in three lines, with status 2."""
    Path("bad.ptrace").write_bytes(b"\x7fELF" + bytes(100))
    status, out, err = run(*words.split())
    assert (status, out) == (2, "")
    assert err.startswith("proctrace: cannot read 'bad.ptrace' as a trace\n")
    assert len(err.splitlines()) == 3


@pytest.mark.parametrize(
    ("words", "what", "hint"),
    [
        (f"page server.ptrace {SH} 0x999000", "nothing is known of page 0x999000", "0x121000"),
        (f"page server.ptrace {SH} 12zz", "'12zz' is no address", "0x7ffd3c0a1000"),
        (f"page server.ptrace {SH} {1 << 64}", "is no address", "0x7ffd3c0a1000"),
        ("page server.ptrace 1029 0x5000", "no process 1029", "did you mean 102?"),
        ("page server.ptrace -- -5 0x5000", "'-5' is no pid", "tree"),
        (
            "page no-faults.ptrace 1 0x5000",
            "no page faults in no-faults.ptrace",
            "without --no-faults",
        ),
        ("cow no-faults.ptrace", "no page faults in no-faults.ptrace", "without --no-faults"),
        ("cow server.ptrace --by frok", "cannot sum up copies by 'frok'", "--by fork?"),
        ("cow server.ptrace --by fork --fork 5", "--by and --fork are two questions", "--by ..."),
        (f"cow server.ptrace --fork {SH}", "got no copy", "--by fork"),
        (f"cow server.ptrace --fork {V}", "got no copy", "--by fork"),
        ("cow server.ptrace --process x", "'x' is no pid", "tree"),
    ],
)
def test_mistakes(run: Run, words: str, what: str, hint: str) -> None:
    """Three lines on stderr, nothing on stdout, status 2."""
    status, out, err = run(*words.split())
    assert (status, out) == (2, "")
    first, _, last = err.splitlines()
    assert what in first
    assert hint in last


def test_why_a_vfork_child_has_no_fork(run: Run) -> None:
    """It shared the memory."""
    assert "its vfork shared the memory" in run("cow", "server.ptrace", "--fork", str(V))[2]


@pytest.mark.parametrize(
    "words",
    ["cow", "cow --by fork", f"cow --fork {A}", f"cow --process {B}", f"page {B} 0x6000"],
)
def test_of_a_recording_with_a_loss(run: Run, words: str) -> None:
    """What is told is of what is there, and that is said first."""
    history = build_memory_story()
    history.made.lose("fault", address=100 << 12 | 8)
    write_story(history, Path("lossy.ptrace"))
    command, *rest = words.split()
    status, out, err = run(command, "lossy.ptrace", *rest)
    assert (status, err) == (0, "")
    assert out.startswith("note: 2 records lost: this is of what is there\n")
    said = json.loads(run(command, "lossy.ptrace", *rest, "--json")[1])
    assert (said["complete"], said["lost_records"]) == (True, 2)
