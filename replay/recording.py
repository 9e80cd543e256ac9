# SPDX-License-Identifier: Apache-2.0
"""What a trace says about the recording it holds: where, when, of what, and how it stopped.

It is read from metadata that anyone may have written, so each part may be missing or wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from replay.tables import last_time_ns

if TYPE_CHECKING:
    from replay.tables import TraceTables

_NS_PER_S: Final = 10**9


@dataclass(frozen=True, slots=True)
class Recording:
    """The circumstances of a recording; texts are empty and times 0 where unknown."""

    hostname: str
    kernel: str
    machine: str
    subject: str
    """The command as a line for a shell, or what was followed instead of one."""
    begin_ns: int
    """CLOCK_MONOTONIC."""
    end_ns: int
    """CLOCK_MONOTONIC; the last event where the recorder did not finish."""
    began_utc: str
    """`2026-11-21 10:00:00 UTC`."""
    status: int | None
    """Exit status of the recorded command, 128 + n after signal n."""
    stopped_by: str
    """Why recording ended, in the recorder's words."""

    @classmethod
    def of(cls, trace: TraceTables) -> Recording:
        """Read it from a trace."""
        host = _mapping(trace.metadata.get("host"))
        recording = _mapping(trace.metadata.get("recording"))
        begin_ns = _number(recording, "begin_ns") or 0
        return cls(
            hostname=_text(host, "hostname"),
            kernel=_text(host, "kernel"),
            machine=_text(host, "machine"),
            subject=_subject(recording),
            begin_ns=begin_ns,
            end_ns=_number(recording, "end_ns") or last_time_ns(trace),
            began_utc=_utc(begin_ns, _number(host, "realtime_minus_monotonic_ns")),
            # Without a command it is the recorder's own, and says nothing of what was followed.
            status=_number(recording, "status") if _text(recording, "command") else None,
            stopped_by=_text(recording, "stopped_by"),
        )

    @property
    def span_ns(self) -> int:
        """How long it took; 0 where begin or end is unknown."""
        return max(self.end_ns - self.begin_ns, 0) if self.begin_ns else 0


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(values: Mapping[str, Any], name: str) -> int | None:
    value = values.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""


def _subject(recording: Mapping[str, Any]) -> str:
    pids = recording.get("pids")
    followed = []
    if isinstance(pids, Sequence) and not isinstance(pids, str) and pids:
        followed.append("pid " + ", ".join(str(pid) for pid in pids))
    if _text(recording, "cgroup"):
        followed.append(f"cgroup {_text(recording, 'cgroup')}")
    if recording.get("whole_host") is True:
        followed.append("the whole host")
    return _text(recording, "command") or " and ".join(followed)


def _utc(monotonic_ns: int, realtime_minus_monotonic_ns: int | None) -> str:
    if not monotonic_ns or realtime_minus_monotonic_ns is None:
        return ""
    seconds = (monotonic_ns + realtime_minus_monotonic_ns) // _NS_PER_S
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return ""
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
