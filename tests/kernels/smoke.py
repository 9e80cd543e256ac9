# SPDX-License-Identifier: Apache-2.0
"""Runs inside a guest: what is recorded there must be exact, complete, and keep the model.

    python -m tests.kernels.smoke PROGRAMS

PROGRAMS is the folder of the compiled tests/kernel/programs. The last line is a row of a table.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any, Final

PROCTRACE: Final = Path(sys.executable).with_name("proctrace")
TIMEOUT_S: Final = 600
"""For one command; a guest without KVM takes half a minute for what takes a second here."""
COMMANDS: Final = 23
PAGES, CHILDREN = 200, 3
SCRIPT: Final = f"""
i=0
while [ $i -lt {COMMANDS} ]; do /bin/true; i=$((i+1)); done
"$0"/cow_storm {PAGES} {CHILDREN}
for program in auto_reap "auto_reap nocldwait" clone_parent daemon killed leader_exits orphan \\
    pid_namespace pid_reuse spawn "storm 50" thread_exec threads vfork_exec waits refused; do
    "$0"/$program
done
"$0"/every_clone "$1"
for step in nproc memory deadline; do "$0"/failures $step; done
for step in exists tid_too_big tid_zero too_many_tids no_rights pidfd bad_cgroup; do
    "$0"/late_refusals $step
done
exit 0
"""
"""Known processes and copies, and then every kind of creation, end and failure."""


def say(line: str) -> None:
    """Show progress at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def proctrace(*arguments: str | Path, ends: tuple[int, ...] = (0,)) -> bytes:
    """Give what a command of ours wrote; AssertionError unless it ends with one of `ends`."""
    begin = time.monotonic()
    done = subprocess.run(
        [PROCTRACE, *arguments], check=False, capture_output=True, timeout=TIMEOUT_S
    )
    say(f"{time.monotonic() - begin:6.1f} s  proctrace {arguments[0]}: status {done.returncode}")
    say((done.stderr if done.returncode in ends else done.stdout + done.stderr).decode())
    assert done.returncode in ends, arguments[0]
    return done.stdout


@cache
def told(*arguments: str | Path, ends: tuple[int, ...] = (0,)) -> dict[str, Any]:
    """Give what a command of ours tells as JSON."""
    report: dict[str, Any] = json.loads(proctrace(*arguments, "--json", ends=ends))
    return report


def doctor() -> list[str]:
    """Give the columns of the row that the host itself decides."""
    report = told("doctor")
    missing = [kind["kind"] for kind in report["hook_kinds"] if not kind["available"]]
    unseen = [fact["fact"] for fact in report["facts"] if not fact["hook"]]
    return [
        "yes" if report["can_record"] else "no",
        f"all but {', '.join(missing)}" if missing else "all",
        ", ".join(fact for fact in unseen if fact != "reaped") or "none",
    ]


def recorded(programs: str, trace: Path) -> None:
    """Record the script with the defaults."""
    command = ["sh", "-c", SCRIPT, programs]
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    cgroup = Path(next(mount[1] for mount in mounts if mount[2] == "cgroup2"), "smoke")
    cgroup.mkdir()
    try:
        proctrace("record", "--until-last", "-o", trace, "--", *command, cgroup)
    finally:
        cgroup.rmdir()


def processes(trace: Path) -> str:
    """Judge the processes: all there, none lost, the known ones as they were."""
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


def faults(trace: Path) -> str:
    """Tell how many page faults were recorded, of those that the kernel counted."""
    report = told("audit", trace)
    finding = next(row for row in report["findings"] if row["name"] == "faults")
    assert finding["recorded"] > PAGES * (CHILDREN + 2), finding
    return f"{finding['recorded']} of {finding['expected']}"


def copies(trace: Path) -> str:
    """Judge the copies: each child copies each page, and their parent then has them alone."""
    most = told("cow", "--by", "mapping", trace)["rows"][0]
    assert (most["copied"], most["reused"]) == (PAGES * CHILDREN, PAGES), most
    return f"{most['copied']} copied, {most['reused']} reused"


def steps(trace: Path) -> str:
    """Judge the steps: every creation has some, and every failed call was seen."""
    report = told("steps", trace)
    assert report["creations"] > COMMANDS, report["creations"]
    assert report["failed_calls"] > 0
    assert report["events"] > report["creations"], report["events"]
    return f"{report['events']}"


def checked(trace: Path) -> str:
    """Hold the trace against the model of the kernel that it runs on."""
    report = told("check", trace, ends=(0, 1, 3))
    rules = report["rules"]
    for rule in rules:
        say(f"{rule['rule']:20}{rule['outcome']:9}{rule['passed']:7}{rule['violated']:5}")
        if rule["outcome"] != "pass":
            say(json.dumps(rule.get("cases") or rule["reason"], indent=1)[:6000])
    violated = sum(rule["violated"] for rule in rules)
    unknown = [rule["rule"] for rule in rules if rule["outcome"] == "unknown"]
    passed = sum(rule["passed"] for rule in rules)
    assert not violated, f"{violated} violations"
    return f"{report['model']}: {passed} hold, 0 violated" + (
        f", unknown: {', '.join(unknown)}" if unknown else ""
    )


def acted(trace: Path) -> str:
    """Run a scenario of the library and compare it with what the model expects."""
    proctrace("run", "fork-and-write", "-o", trace)
    proctrace("compare", trace, "fork-and-write")
    return "equal"


def main() -> int:
    """Look at everything, and give the exit status."""
    kernel = os.uname().release
    columns, failed = [kernel], []
    folder = Path(tempfile.mkdtemp())
    trace = folder / "script.ptrace"
    columns += doctor()
    recorded(sys.argv[1], trace)
    for judge in (processes, faults, steps, copies, checked, acted):
        try:
            cell = judge(folder / "run.ptrace" if judge is acted else trace)
        except AssertionError as error:
            say(f"smoke: {judge.__name__} failed: {error}")
            failed.append(judge.__name__)
            cell = "FAILED"
        columns.append(cell)
    say(f"row: {' | '.join(columns)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
