# SPDX-License-Identifier: Apache-2.0
"""What happened in a recording, on one page: counts, a small tree, waits, completeness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from replay.creation import How
from replay.report import tree
from replay.report.audit import verdict_line
from replay.report.cow_totals import cow_rows
from replay.report.screen import BAD, BOLD, DIM, GOOD, NOTABLE, PLAIN, Line, Piece, aligned
from replay.report.units import counted, duration
from replay.scenario.library import library_names
from traces.shown import shell_word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.audit import Audit
    from replay.checks.tally import Tally
    from replay.recording import Recording
    from replay.report.cow_totals import CowTotals
    from replay.totals import Totals
    from traces.reader import Trace

TREE_LINES: Final = 40
"""How many processes the small tree shows."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What the page is made of."""

    trace: Trace
    recording: Recording
    totals: Totals
    audit: Audit
    tree: tree.Tree
    memory: CowTotals | None = None
    """None for a recording without page faults."""
    rules: Tally | None = None
    """What became of the rules of the kernel's model; None where it was not held against one."""


def summary_json(summary: Summary) -> dict[str, object]:
    """Give the summary as a value for JSON."""
    recording = {**asdict(summary.recording), "span_ns": summary.recording.span_ns}
    return {
        "recording": {name: None if value == "" else value for name, value in recording.items()},
        "totals": asdict(summary.totals),
        "memory": None if summary.memory is None else asdict(summary.memory),
        "rules": None if summary.rules is None else asdict(summary.rules),
        "complete": summary.trace.complete,
        "truncated": summary.trace.truncated,
        "verdict": summary.audit.verdict,
        "reasons": list(summary.audit.reasons),
    }


def summary_lines(summary: Summary, width: int | None) -> Iterator[Line]:
    """Give the page; `width` crops the commands of the tree."""
    head = list(_head_rows(summary))
    yield from aligned(head)
    if head:
        yield []
    counts = list(_count_rows(summary.totals))
    if summary.memory is not None:
        counts += cow_rows(summary.memory)
    yield from aligned(counts)
    yield []
    yield from _tree_lines(summary, width)
    yield []
    yield [("recording  ", DIM), *verdict_line(summary.audit)]
    for reason in summary.audit.reasons:
        yield [("  - ", DIM), (reason, NOTABLE)]
    if summary.rules is not None:
        yield [("rules      ", DIM), *_rule_pieces(summary.rules)]
    yield []
    yield from _next_lines(summary)


def _rule_pieces(rules: Tally) -> Iterator[Piece]:
    held = counted(len(rules.holds), "rule holds", "rules hold")
    yield (held, GOOD if rules.holds else PLAIN)
    if rules.violated:
        yield (f", {len(rules.violated)} violated ({', '.join(rules.violated)})", BAD)
    if rules.unknown:
        yield (f", {len(rules.unknown)} unknown", NOTABLE)
    if rules.no_case:
        yield (f", {len(rules.no_case)} without a case", DIM)
    if rules.left:
        yield (f", {len(rules.left)} on steps left to 'proctrace check'", DIM)
    yield (f", by the model {rules.model}", DIM)


def _head_rows(summary: Summary) -> Iterator[list[Piece]]:
    recording = summary.recording
    if recording.subject:
        yield [("recorded", DIM), (recording.subject, BOLD)]
    where = [word for word in (recording.hostname, recording.kernel, recording.machine) if word]
    if where:
        yield [("host", DIM), (", ".join(where), PLAIN)]
    when = [recording.began_utc] if recording.began_utc else []
    if recording.span_ns:
        when.append(f"for {duration(recording.span_ns)}")
    if recording.stopped_by:
        when.append(f"until {_STOPS.get(recording.stopped_by, recording.stopped_by)}")
    if when:
        yield [("when", DIM), (", ".join(when), PLAIN)]
    if recording.status is not None:
        yield [("status", DIM), (str(recording.status), BAD if recording.status else GOOD)]


_STOPS: Final = {
    "duration": "its time was over",
    "signal": "it was told to stop",
    "size": "its size was reached",
}
"""The recorder's words for why it stopped that are no moment."""


def _count_rows(totals: Totals) -> Iterator[list[Piece]]:
    before = f", {totals.before_recording:,} there before" if totals.before_recording else ""
    running = f", {totals.running:,} not ended" if totals.running else ""
    processes = counted(totals.processes, "process", "processes") + before + running
    yield [("processes", DIM), (processes, PLAIN)]
    created = [counted(count, _HOW_NOUNS[how]) for how, count in totals.created.items()]
    yield [("created", DIM), (_listed(created + _failures(totals.failed_clones)), PLAIN)]
    executed = [counted(totals.execs, "exec")]
    failed = _failures(totals.failed_execs)
    yield [("executed", DIM), (_listed(executed + failed), PLAIN)]
    ends = [f"{count:,} × status {status}" for status, count in totals.statuses.items()]
    ends += [f"{count:,} × {name}" for name, count in totals.signals.items()]
    if totals.core_dumps:
        ends.append(counted(totals.core_dumps, "core dump"))
    yield [("ended", DIM), (_listed(ends), PLAIN)]
    waits = [f"{count:,} {choice}" for choice, count in totals.waits.items()]
    yield [("children", DIM), (_listed(waits), PLAIN)]
    times = []
    if totals.blocked_ns:
        times.append(f"parents slept {duration(totals.blocked_ns)} for children")
    if totals.zombie_ns:
        times.append(f"children were zombies for {duration(totals.zombie_ns)}")
    if times:
        yield [("", DIM), (", ".join(times), PLAIN)]


_HOW_NOUNS: Final = {
    How.FORK: "fork",
    How.VFORK: "vfork",
    How.VFORK_LIKE: "vfork-like clone",
    How.CLONE: "other clone",
    How.THREAD: "thread",
}


def _failures(failures: Mapping[str, int]) -> list[str]:
    return [f"{count:,} failed with {name}" for name, count in failures.items()]


def _listed(words: list[str]) -> str:
    return ", ".join(words) or "none"


def _tree_lines(summary: Summary, width: int | None) -> Iterator[Line]:
    rows = list(islice(summary.tree.rows(), TREE_LINES))
    yield from tree.lines(rows, tree.column_widths(row.cells for row in rows), width)
    more = summary.totals.processes - len(rows)
    if more > 0:
        what = counted(more, "more process", "more processes")
        yield [(f"… {what}: proctrace tree {_path(summary)}", NOTABLE)]


def _next_lines(summary: Summary) -> Iterator[Line]:
    path = _path(summary)
    yield [("next", DIM)]
    rows = [
        [(f"proctrace {command.format(path)}", PLAIN), (why, DIM)]
        for command, why in _useful(summary)
    ]
    yield from aligned(rows, indent="  ")


def _useful(summary: Summary) -> Iterator[tuple[str, str]]:
    """Give the commands that have something to say about this trace, `{}` for it, and what."""
    totals, memory = summary.totals, summary.memory
    created = sum(totals.created.values())
    if totals.created.get(How.THREAD):
        yield "tree --threads {}", "every process, with its threads"
    elif totals.processes > TREE_LINES:
        yield "tree {}", "every process"
    if memory is not None and memory.copied + memory.reused + memory.file_copied:
        yield "cow {}", "which pages were copied on write, by whom"
    if created and summary.trace.rows("step"):
        yield "steps {}", "where the time of a fork goes"
    if created:
        yield "check {}", "whether the kernel did what its model says"
    scenario = _scenario(summary.trace)
    if scenario:
        yield f"compare {{}} {scenario}", "whether the scenario went as the model expects"
    yield "audit {}", "how complete the recording is"
    yield "dump --by-time {}", "every event"


def _scenario(trace: Trace) -> str:
    """Give the scenario of the package that `proctrace run` executed; empty where it is none."""
    run = trace.metadata.get("run")
    name = run.get("scenario") if isinstance(run, Mapping) else None
    return name if isinstance(name, str) and name in library_names() else ""


def _path(summary: Summary) -> str:
    return shell_word(bytes(summary.trace.path))
