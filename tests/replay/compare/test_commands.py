# SPDX-License-Identifier: Apache-2.0
"""The command compare, as it is called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from proctrace import main
from tests.golden import check_golden

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent / "golden"
EXPECTATION = """\
expectation: 1
about: A parent and its child.
processes:
  - name: parent
    exit: 0
    children: [{name: child, exit: 4, pages: {heap: {copied: 31}}}]
tolerances: {copied: 1}
"""


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Give what runs proctrace in a folder with a trace of fork-and-write for 6.18."""
    monkeypatch.chdir(tmp_path)

    def run_proctrace(*words: str) -> tuple[int, str, str]:
        status = main(words)
        out, err = capsys.readouterr()
        return status, out, err

    simulate = ("simulate", "fork-and-write", "-o", "a.ptrace", "--model", "linux-6.18")
    assert run_proctrace(*simulate)[0] == 0
    (tmp_path / "expected.yaml").write_text(EXPECTATION)
    return run_proctrace


@pytest.mark.parametrize(
    ("golden", "status", "words"),
    [
        ("equal-80.txt", 0, "a.ptrace fork-and-write --width 80"),
        ("two-scenarios-80.txt", 1, "a.ptrace zombie --width 80"),
        ("expectation-80.txt", 1, "a.ptrace expected.yaml --width 80"),
        ("two-scenarios.json", 1, "a.ptrace vfork --json"),
    ],
)
def test_golden_outputs(
    run: Callable[..., tuple[int, str, str]], golden: str, status: int, words: str
) -> None:
    """Every report as it was last read by a person, byte for byte."""
    found, out, err = run("compare", *words.split())
    assert (found, err) == (status, "")
    check_golden(GOLDEN / golden, out)


def test_two_kernels(run: Callable[..., tuple[int, str, str]]) -> None:
    """The pieces of a huge page that a lone owner writes are copied before 6.15."""
    for model in ("5.10", "6.18"):
        name = f"linux-{model}"
        run("simulate", "huge-pages", "-o", f"{model}.ptrace", "--model", name)
    status, out, _ = run("compare", "5.10.ptrace", "6.18.ptrace", "--width", "80")
    assert status == 1
    check_golden(GOLDEN / "two-kernels-80.txt", out)
    assert run("compare", "5.10.ptrace", "huge-pages")[0] == 0
    assert run("compare", "5.10.ptrace", "huge-pages", "--model", "linux-6.18")[0] == 1


def test_ostep(run: Callable[..., tuple[int, str, str]]) -> None:
    """A run of its actions against the same ones."""
    actions = "a+b,b+c,c+d,b-"
    run("simulate", "--ostep", actions, "-o", "o.ptrace", "--model", "linux-6.18")
    status, out, _ = run("compare", "o.ptrace", "--ostep", actions, "--width", "80")
    assert status == 0
    check_golden(GOLDEN / "ostep-80.txt", out)
    _, out, _ = run("compare", "o.ptrace", "--ostep", actions, "--json")
    (divergence,) = json.loads(out)["ostep_divergences"]
    assert divergence["name"] == "ostep-reparents-to-root"
    assert run("compare", "o.ptrace", "--ostep", "a+b,a+c,b-")[0] == 1


def test_json(run: Callable[..., tuple[int, str, str]]) -> None:
    """With its version; the same bytes for the same traces."""
    first, second = (run("compare", "a.ptrace", "fork-and-write", "--json")[1] for _ in range(2))
    value = json.loads(first)
    assert first == second
    assert (value["schema_version"], value["outcome"], value["first_difference"]) == (
        1, "equal", None,
    )  # fmt: skip


def test_tolerances_and_parameters(run: Callable[..., tuple[int, str, str]]) -> None:
    """Given on the command line."""
    words = ["compare", "a.ptrace", "fork-and-write", "--set", "pages=62"]
    assert run(*words)[0] == 1
    figures = ("copied", "reused", "shared", "first_touch")
    near = [word for name in figures for word in ("--tolerance", f"{name}=2")]
    status, out, _ = run(*words, *near)
    assert status == 0
    assert "within the tolerance" in out
    assert "parameter pages is 64 in ACTUAL and 62 in EXPECTED" in out


@pytest.mark.parametrize(
    ("words", "what", "hint"),
    [
        ("fork-and-write a.ptrace", "fork-and-write is no trace",
         "as in: proctrace compare a.ptrace fork-and-write"),
        ("expected.yaml a.ptrace", "expected.yaml is no trace",
         "as in: proctrace compare a.ptrace expected.yaml"),
        ("fork-and-write fork-and-write", "fork-and-write is no trace",
         "run it first: proctrace run fork-and-write -o run.ptrace"),
        ("a.ptrace", "it is not clear what to compare with",
         "as in: proctrace compare run.ptrace fork-and-write"),
        ("a.ptrace vfork --ostep a+b", "it is not clear what to compare with",
         "as in: proctrace compare run.ptrace fork-and-write"),
        ("b.ptrace vfork", "cannot read 'b.ptrace' as a trace", "check the path"),
        ("a.ptrace fork-and-write --tolerance copyed=1", "no figure is called 'copyed'",
         "did you mean 'copied'?"),
        ("a.ptrace fork-and-write --model linux-9", "there is no model 'linux-9'", None),
        ("a.ptrace --ostep ", "it is not clear what to compare with", None),
        ("a.ptrace --ostep a=b+", "cannot use --ostep:1:1", None),
    ],
)  # fmt: skip
def test_mistakes(
    run: Callable[..., tuple[int, str, str]], words: str, what: str, hint: str | None
) -> None:
    """Each is told with what to do, and without a traceback."""
    status, out, err = run("compare", *words.split(" "))
    assert (status, out) == (2, "")
    lines = err.splitlines()
    assert lines[0] == f"proctrace: {what}"
    assert len(lines) == 3
    if hint is not None:
        assert lines[2] == f"  hint: {hint}"
