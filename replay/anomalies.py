# SPDX-License-Identifier: Apache-2.0
"""Named counters of what in a trace is missing or contradicts itself.

Replay never stops at such input: it counts it here, marks the nodes concerned, and goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """What a counter above zero means for the result."""

    INFO = "info"
    """Explained by when or how recording began and ended; nothing is missing."""
    DATA_LOSS = "data loss"
    """Something that happened was not recorded; what depends on it is inferred or unknown."""
    ERROR = "error"
    """The trace contradicts itself: a fault of the recorder, or the file was altered."""


@dataclass(frozen=True, slots=True)
class AnomalyKind:
    """A counter: its name, what it means for the result, and what it counts."""

    name: str
    severity: Severity
    sentence: str


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A counter with its value."""

    kind: AnomalyKind
    count: int


_INFO, _LOSS, _ERROR = Severity.INFO, Severity.DATA_LOSS, Severity.ERROR

_KINDS = (
    AnomalyKind("newtask_repeated", _ERROR, "A task was created twice with the same identity."),
    AnomalyKind(
        "adopted_and_created",
        _ERROR,
        "A task was taken for older than the recording, and yet its creation was recorded.",
    ),
    AnomalyKind(
        "thread_flag_differs",
        _ERROR,
        "A new task is a thread without CLONE_THREAD, or a process with it.",
    ),
    AnomalyKind(
        "clone_without_newtask",
        _LOSS,
        "A clone call returned a pid, but the new task was not recorded.",
    ),
    AnomalyKind(
        "newtask_without_clone",
        _INFO,
        "A task of user space was created by a call that was not recorded, "
        "as when recording began in the middle of it.",
    ),
    AnomalyKind(
        "task_never_created", _LOSS, "A task has events, but none that says where it came from."
    ),
    AnomalyKind(
        "leader_never_created", _LOSS, "A thread is known, but not the leader of its process."
    ),
    AnomalyKind(
        "parent_unknown", _LOSS, "The parent is a thread that belongs to no process of the trace."
    ),
    AnomalyKind("parent_cycle", _ERROR, "A process would be its own ancestor."),
    AnomalyKind(
        "orphans_without_reaper",
        _INFO,
        "A child was left behind, and it was not recorded to whom it was given.",
    ),
    AnomalyKind(
        "orphan_unknown", _LOSS, "A child that was left behind is no process of the trace."
    ),
    AnomalyKind(
        "parent_seen_late",
        _INFO,
        "A change of parent was not recorded; the child's own later events show the new one.",
    ),
    AnomalyKind("exit_repeated", _ERROR, "A task ended twice, without an exec by another thread."),
    AnomalyKind("exit_before_creation", _ERROR, "A task ended before it was created."),
    AnomalyKind("exec_after_end", _ERROR, "A process executed a program after its end."),
    AnomalyKind("last_task_repeated", _ERROR, "Two tasks were the last of the same process."),
    AnomalyKind(
        "last_task_missing", _LOSS, "All tasks of a process ended, but none as its last task."
    ),
    AnomalyKind(
        "leader_status_missing",
        _LOSS,
        "A process ended with the status of its leader, whose end was not recorded.",
    ),
    AnomalyKind(
        "ended_and_alive",
        _INFO,
        "A task ended while the list of those still there was being made.",
    ),
    AnomalyKind(
        "task_without_end", _LOSS, "A task neither ended nor was still there as recording ended."
    ),
    AnomalyKind("argv_missing", _LOSS, "The arguments of an exec were not recorded, or in part."),
    AnomalyKind(
        "wait_child_unknown",
        _INFO,
        "A wait call reaped a pid that no known child of the caller had, "
        "as a debugger does with threads and processes it traces.",
    ),
    AnomalyKind(
        "wait_status_differs", _ERROR, "A wait call reported another status than the child's end."
    ),
)

KINDS: Final[dict[str, AnomalyKind]] = {kind.name: kind for kind in _KINDS}
"""Every counter by name."""


class Anomalies:
    """The counters of one replay; those that were never needed are zero."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(KINDS, 0)

    def add(self, name: str, count: int = 1) -> None:
        """Count one more, or `count` more, of a kind; the name must be one of `KINDS`."""
        if name not in self._counts:
            message = f"no such counter: {name}"
            raise KeyError(message)
        self._counts[name] += count

    def count(self, name: str) -> int:
        """Give the value of one counter."""
        return self._counts[name]

    def found(self) -> list[Anomaly]:
        """Give the counters above zero, in the order of `KINDS`."""
        return [Anomaly(KINDS[name], count) for name, count in self._counts.items() if count]
