# SPDX-License-Identifier: Apache-2.0
"""What `proctrace doctor` reports: whether this host can record, what, and what is in the way."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from tracer import catalogue, host, probe, requirements
from tracer.btf import Btf
from tracer.btf_format import BtfError
from tracer.program import Options

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rich.console import RenderableType

SCHEMA_VERSION = 1
"""Of the report; grows when a field is changed or removed."""

_NEEDED_HOOK_KINDS = ("raw tracepoint", "ring buffer")
_RINGS = ("small", "large", "text", "fault", "step")


def examine(place: requirements.Place | None = None) -> dict[str, Any]:
    """Give the whole report as JSON values; needs no privilege and raises nothing."""
    place = place or requirements.Place()
    checked = [_requirement(checked) for checked in requirements.examine(place)]
    kinds = [capability._asdict() for capability in probe.probe(_types(place))]
    facts = catalogue.plan(probe.accepted(catalogue.hooks()))
    privileged = all(entry["ok"] for entry in checked if entry["name"] == "privilege")
    return {
        "schema_version": SCHEMA_VERSION,
        "can_record": _can_record(checked, kinds, facts),
        "host": host.describe(proc=place.proc),
        "requirements": checked,
        "options": [_requirement(option) for option in requirements.examine_options(place)],
        "hook_kinds": kinds,
        "facts": facts,
        "limits": _limits(place.proc),
        "tracefs": _tracefs(place.proc),
        "notes": [] if privileged else [_UNPRIVILEGED],
    }


_UNPRIVILEGED = (
    "hooks were tried without privilege; run 'sudo proctrace doctor' to see what the kernel offers"
)


def render(report: dict[str, Any]) -> RenderableType:
    """Give the report for a terminal."""
    facts = report["host"]
    verdict = Text("can record: ") + (
        Text("yes", style="bold green") if report["can_record"] else Text("no", style="bold red")
    )
    return Group(
        verdict,
        Text(
            f"host: {facts['hostname']}, Linux {facts['kernel']} on {facts['machine']}, "
            f"{facts['cpus']} CPUs, lockdown {facts['lockdown']}"
        ),
        *(Text(f"note: {note}", style="yellow") for note in report["notes"]),
        Text(),
        _requirement_table(report["requirements"]),
        Text(),
        _requirement_table(report["options"], "option of record"),
        Text(),
        _kind_table(report["hook_kinds"]),
        Text(),
        _fact_table(report["facts"]),
        Text(),
        *(Text(line) for line in _limit_lines(report)),
    )


def _requirement(checked: requirements.Requirement) -> dict[str, Any]:
    error = checked.error
    return {
        "name": checked.name,
        "ok": error is None,
        "what": error.what if error else "",
        "why": error.why if error else "",
        "hint": error.hint if error else "",
    }


def _types(place: requirements.Place) -> Btf | None:
    try:
        return Btf.running(place.btf)
    except BtfError:
        return None


def _can_record(
    checked: list[dict[str, Any]], kinds: list[dict[str, Any]], facts: list[dict[str, str]]
) -> bool:
    return (
        all(entry["ok"] for entry in checked)
        and all(kind["available"] for kind in kinds if kind["kind"] in _NEEDED_HOOK_KINDS)
        and all(fact["certainty"] != "unobservable" for fact in facts)
    )


def _limits(proc: Path) -> dict[str, int | None]:
    """Give limits that matter to a recording; None: unlimited, or not known."""
    soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    kernel = proc / "sys" / "kernel"
    rings = Options(recorder_tgid=0)
    return {
        "small_ring_bytes": rings.small_ring_bytes,
        "large_ring_bytes": rings.large_ring_bytes,
        "text_ring_bytes": rings.text_ring_bytes,
        "fault_ring_bytes": rings.fault_ring_bytes,
        "step_ring_bytes": rings.step_ring_bytes,
        "memlock_soft_bytes": None if soft == resource.RLIM_INFINITY else soft,
        "memlock_hard_bytes": None if hard == resource.RLIM_INFINITY else hard,
        "pid_max": _number(kernel / "pid_max"),
        "task_delayacct": _number(kernel / "task_delayacct"),
    }


def _number(path: Path) -> int | None:
    text = host.read_text(path) or ""
    return int(text) if text.isdecimal() else None


def _tracefs(proc: Path) -> str:
    """Give where tracefs is mounted, or an empty string."""
    for line in (host.read_text(proc / "self" / "mounts") or "").splitlines():
        fields = line.split()
        if len(fields) > 2 and fields[2] == "tracefs":
            return fields[1]
    return ""


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, overflow="fold")
    return table


def _yes(*, holds: bool) -> Text:
    return Text("yes", style="green") if holds else Text("no", style="red")


def _requirement_table(entries: Iterable[dict[str, Any]], title: str = "requirement") -> Table:
    table = _table(title, "met", "")
    for entry in entries:
        trouble = "" if entry["ok"] else f"{entry['what']}: {entry['why']}\nhint: {entry['hint']}"
        table.add_row(Text(entry["name"]), _yes(holds=entry["ok"]), Text(trouble))
    return table


def _kind_table(kinds: Iterable[dict[str, Any]]) -> Table:
    table = _table("kind of hook", "available", "")
    for kind in kinds:
        why = "" if kind["available"] else kind["why"]
        table.add_row(Text(kind["kind"]), _yes(holds=kind["available"]), Text(why))
    return table


def _fact_table(facts: Iterable[dict[str, str]]) -> Table:
    table = _table("fact", "certainty", "from")
    for fact in facts:
        table.add_row(
            Text(fact["fact"]), Text(fact["certainty"]), Text(fact["hook"] or fact["why"])
        )
    return table


def _limit_lines(report: dict[str, Any]) -> list[str]:
    limits = report["limits"]
    memlock = limits["memlock_soft_bytes"]
    locked = "unlimited" if memlock is None else f"{memlock} bytes"
    delayacct = limits["task_delayacct"]
    tracefs = report["tracefs"]
    rings = ", ".join(f"{name} {limits[f'{name}_ring_bytes'] >> 20} MiB" for name in _RINGS)
    return [
        f"rings: {rings}",
        f"RLIMIT_MEMLOCK: {locked} (counts for BPF maps before Linux 5.11 only)",
        f"kernel.pid_max: {limits['pid_max']}",
        f"kernel.task_delayacct: {'unknown' if delayacct is None else delayacct}",
        f"tracefs: {f'mounted at {tracefs}' if tracefs else 'not mounted'} (not needed to record)",
    ]
