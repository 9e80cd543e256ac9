# SPDX-License-Identifier: Apache-2.0
"""Judges what a guest recorded: it must be exact, complete, and keep the model of its kernel.

    python -m tests.kernels.judge FOLDER

FOLDER has the guest's doctor.json, script.ptrace (of the file `script`) and run.ptrace. The last
line is a row of a table.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

PROCTRACE: Final = Path(sys.executable).with_name("proctrace")
SCENARIO: Final = "fork-and-write"
COMMANDS: Final = 23
PAGES, CHILDREN = 200, 3
"""What the file `script` does."""


def say(line: str) -> None:
    """Show what is found."""
    sys.stdout.write(line + "\n")


def proctrace(*arguments: str | Path, ends: tuple[int, ...] = (0,)) -> bytes:
    """Give what a command of ours wrote; AssertionError unless it ends with one of `ends`."""
    done = subprocess.run([PROCTRACE, *arguments], check=False, capture_output=True)
    if done.returncode not in ends:
        say((done.stdout + done.stderr).decode())
    assert done.returncode in ends, f"{arguments[0]} ends with {done.returncode}"
    return done.stdout


@cache
def told(*arguments: str | Path, ends: tuple[int, ...] = (0,)) -> dict[str, Any]:
    """Give what a command of ours tells as JSON."""
    report: dict[str, Any] = json.loads(proctrace(*arguments, "--json", ends=ends))
    return report


def doctor(folder: Path) -> list[str]:
    """Give the kernel, whether it can record, which kinds of hook it has, and what it misses."""
    report = json.loads((folder / "doctor.json").read_bytes())
    missing = [kind["kind"] for kind in report["hook_kinds"] if not kind["available"]]
    unseen = [fact["fact"] for fact in report["facts"] if not fact["hook"]]
    return [
        report["host"]["kernel"],
        "yes" if report["can_record"] else "no",
        f"all but {', '.join(missing)}" if missing else "all",
        ", ".join(fact for fact in unseen if fact != "reaped") or "none",
    ]


def processes(folder: Path) -> str:
    """Judge the processes: all there, none lost, the known ones as they were."""
    trace = folder / "script.ptrace"
    audit = told("audit", trace)
    assert audit["verdict"] == "complete", audit
    found = told("tree", trace)["processes"]
    commands = [row for row in found if [i["argv"] for i in row["images"]] == [["/bin/true"]]]
    assert len(commands) == COMMANDS, len(commands)
    assert [command["end"]["status"] for command in commands] == [0] * COMMANDS
    storms = [row["id"] for row in found if row["comm"] == "cow_storm" and row["images"]]
    assert len(storms) == 1, sorted({row["comm"] for row in found})
    children = [row for row in found if row["parent"] == storms[0]]
    assert [child["end"]["status"] for child in children] == [0] * CHILDREN, children
    return f"{len(found)}"


def faults(folder: Path) -> str:
    """Tell how many page faults were recorded, of those that the kernel counted."""
    report = told("audit", folder / "script.ptrace")
    finding = next(row for row in report["findings"] if row["name"] == "faults")
    assert finding["recorded"] > PAGES * (CHILDREN + 2), finding
    return f"{finding['recorded']} of {finding['expected']}"


def steps(folder: Path) -> str:
    """Judge the steps: every creation has some, and every failed call was seen."""
    report = told("steps", folder / "script.ptrace")
    assert report["creations"] > COMMANDS, report["creations"]
    assert report["failed_calls"] > 0
    assert report["events"] > report["creations"], report["events"]
    return f"{report['events']}"


def copies(folder: Path) -> str:
    """Judge the copies: each child copies each page, and their parent then has them alone."""
    most = told("cow", "--by", "mapping", folder / "script.ptrace")["rows"][0]
    assert (most["copied"], most["reused"]) == (PAGES * CHILDREN, PAGES), most
    return f"{most['copied']} copied, {most['reused']} reused"


def checked(folder: Path) -> str:
    """Hold the trace against the model of the kernel that it was recorded on."""
    report = told("check", folder / "script.ptrace", ends=(0, 1, 3))
    rules = report["rules"]
    for rule in rules:
        opened = rule["lost"] + rule["unobservable"]
        counts = f"{rule['passed']:7}{rule['violated']:5}{opened:5}"
        say(f"{rule['rule']:20}{rule['outcome']:11}{counts}")
        if rule["outcome"] == "violation":
            say(json.dumps(rule["cases"], indent=1)[:6000])
    violated = sum(rule["violated"] for rule in rules)
    assert not violated, f"{violated} violations"
    passed = sum(rule["passed"] for rule in rules)
    unknown = sum(rule["lost"] + rule["unobservable"] for rule in rules)
    return f"{report['model']}: {passed} hold, 0 violated, {unknown} unknown"


def acted(folder: Path) -> str:
    """Compare a scenario of the package as it was acted with what the model expects."""
    proctrace("compare", folder / "run.ptrace", SCENARIO)
    return "equal"


def main() -> int:
    """Judge everything, and give the exit status."""
    folder = Path(sys.argv[1])
    columns, failed = doctor(folder), []
    for judge in (processes, faults, steps, copies, checked, acted):
        try:
            cell = judge(folder)
        except AssertionError as error:
            say(f"judge: {judge.__name__} failed: {error}")
            failed.append(judge.__name__)
            cell = "FAILED"
        columns.append(cell)
    say(f"row: {' | '.join(columns)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
