# SPDX-License-Identifier: Apache-2.0
"""What the user asked `proctrace record` to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tracer.actor.script import Script


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
