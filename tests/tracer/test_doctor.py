# SPDX-License-Identifier: Apache-2.0
"""tracer.doctor: the report is complete with and without privilege."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from tracer import delay_accounting, doctor, taskstats
from tracer.program import Options
from tracer.requirements import Place
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parent.parent.parent


def text_of(report: dict[str, Any]) -> str:
    """Give the report as a terminal without colour shows it."""
    console = Console(width=100, color_system=None)
    with console.capture() as capture:
        console.print(doctor.render(report))
    return capture.get()


def names(entries: Iterable[dict[str, Any]], *, where: tuple[str, object]) -> list[str]:
    """Give the names of the entries in which a field has a value."""
    field, value = where
    return [entry["name"] for entry in entries if entry[field] == value]


def test_a_place_where_nothing_is(tmp_path: Path) -> None:
    """GIVEN neither /proc nor BTF nor the right machine, THEN all is reported, nothing raised."""
    report = doctor.examine(Place(proc=tmp_path, btf=tmp_path / "none", machine="mips"))
    assert json.loads(json.dumps(report)) == report
    assert report["schema_version"] == 1
    assert report["can_record"] is False
    assert names(report["requirements"], where=("ok", True)) in ([], ["bcc"])
    assert report["limits"]["task_delayacct"] is None
    assert report["tracefs"] == ""
    assert len(report["notes"]) == 1
    text = text_of(report)
    for entry in report["requirements"]:
        assert entry["ok"] or entry["hint"].split()[0] in text
    assert "can record: no" in text


def test_markup_in_what_the_host_says_is_shown_as_it_is() -> None:
    """A host name is no instruction to the terminal."""
    report = doctor.examine()
    report["host"]["hostname"] = "[red]x[/red]"
    assert "[red]x[/red]" in text_of(report)


def test_tracefs_is_found_where_it_is_mounted(tmp_path: Path) -> None:
    """It is mentioned and not needed."""
    (tmp_path / "self").mkdir()
    mounts = "proc /proc proc rw 0 0\nnodev /sys/kernel/tracing tracefs rw 0 0\n"
    (tmp_path / "self" / "mounts").write_text(mounts)
    (tmp_path / "sys" / "kernel").mkdir(parents=True)
    (tmp_path / "sys" / "kernel" / "task_delayacct").write_text("1\n")
    report = doctor.examine(Place(proc=tmp_path))
    assert report["tracefs"] == "/sys/kernel/tracing"
    assert report["limits"]["task_delayacct"] == 1
    assert "mounted at /sys/kernel/tracing (not needed" in text_of(report)


def test_options_that_need_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """What --audit-copies lacks is said, and does not keep anyone from recording."""

    def refuse() -> None:
        raise ProctraceError("cannot ask the kernel", "no taskstats", "record without it")

    before = doctor.examine()
    monkeypatch.setattr(taskstats, "check", refuse)
    monkeypatch.setattr(delay_accounting, "check", lambda: None)
    report = doctor.examine()
    assert names(report["options"], where=("ok", False)) == ["--audit-copies"]
    assert report["can_record"] is before["can_record"]
    assert "cannot ask the kernel: no taskstats" in text_of(report)
    monkeypatch.setattr(taskstats, "check", lambda: None)
    assert names(doctor.examine()["options"], where=("ok", True)) == ["--audit-copies"]


@pytest.mark.kernel
def test_a_host_that_can_record() -> None:
    """The verdict is yes, no hint is given, every fact is observed or inferred."""
    report = doctor.examine()
    assert report["can_record"] is True
    assert report["notes"] == []
    rings = {
        name: size for name, size in asdict(Options(recorder_tgid=0)).items() if "ring" in name
    }
    assert len(rings) == 5
    assert report["limits"].items() >= rings.items()
    assert "fault 64 MiB, step 16 MiB" in text_of(report)
    assert {fact["certainty"] for fact in report["facts"]} == {"observed", "inferred"}
    assert "can record: yes" in text_of(report)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_without_privilege() -> None:
    """GIVEN user nobody, THEN the report says what is missing and that the rest is unknown."""
    code = "import json; from tracer import doctor; print(json.dumps(doctor.examine()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        cwd=ROOT,
        user=65534,
        group=65534,
        extra_groups=[],
    )
    report = json.loads(done.stdout)
    assert report["can_record"] is False
    assert "privilege" in names(report["requirements"], where=("ok", False))
    assert "sudo" in report["notes"][0]
