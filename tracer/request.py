# SPDX-License-Identifier: Apache-2.0
"""What the user asked `proctrace record` to do."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracer import __version__
from traces.shown import shell_line, shown

if TYPE_CHECKING:
    from pathlib import Path

    from tracer.actor.script import Script
    from traces.metadata import JsonValue


@dataclass(frozen=True, slots=True)
class Request:
    """One recording: whom to follow, where to write, when to stop.

    With a command and nothing else its tree is followed; pids, cgroup and whole_host follow what
    is running already, until the command (if there is one) ends, the last followed task is gone,
    or one of the limits is reached.
    """

    output: Path | None
    overwrite: bool = False
    command: tuple[str, ...] = ()
    pids: tuple[int, ...] = ()
    whole_host: bool = False
    cgroup: Path | None = None
    environment: bool = False
    faults: bool = False
    faults_required: bool = False
    """Record nothing where page faults cannot be recorded."""
    steps: bool = False
    audit_copies: bool = False
    """Have the kernel count copies on write, and record its counts."""
    stacks: bool = False
    """Record the user stack of each fault, too."""
    until_last: bool = False
    """Go on after the command ended until everything it left behind is gone, too."""
    script: Script | None = None
    """What the command, our own program then, is to act."""
    duration_s: float | None = None
    max_size_bytes: int | None = None

    @property
    def adopts_running(self) -> bool:
        """Tell whether tasks are followed that run already."""
        return bool(self.pids) or self.whole_host or self.cgroup is not None

    @property
    def subject(self) -> str:
        """One word for what is recorded."""
        if self.command:
            return self.command[0]
        if self.pids:
            return f"pid{self.pids[0]}"
        return "host" if self.whole_host else "cgroup"

    def as_json(self) -> dict[str, JsonValue]:
        """Give what a trace stores of it; bytes that are no text are escaped."""
        return {
            "proctrace_version": __version__,
            "command": shell_line([os.fsencode(word) for word in self.command]),
            "pids": list(self.pids),
            "whole_host": self.whole_host,
            "cgroup": shown(os.fsencode(self.cgroup)) if self.cgroup is not None else "",
            "environment": self.environment,
            "faults": self.faults,
            "audit_copies": self.audit_copies,
            "steps": self.steps,
            "stacks": self.stacks,
            "until_last": self.until_last,
            "duration_s": self.duration_s,
            "max_size_bytes": self.max_size_bytes,
        }
