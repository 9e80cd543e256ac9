# SPDX-License-Identifier: Apache-2.0
"""What is to be acted: the plan of a scenario, as text, and what a trace is to say of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from traces.metadata import JsonValue


@dataclass(frozen=True, slots=True)
class Script:
    """A plan that actors execute."""

    name: str
    """Of the scenario; the first process has it as its only argument."""
    plan: bytes
    """As replay/scenario/PLAN.md says."""
    actors: tuple[str, ...]
    """Names, by number."""
    executed: frozenset[int]
    """Numbers of actors that are no tasks of their own: others execute them."""
    file_pages: Mapping[int, int]
    """How many pages of a file each file region has, by the number of the region."""
    description: Mapping[str, JsonValue]
    """What the trace says of it in its metadata `run`, beside who was which actor."""
    seed: int = 0
    """Of delays before operations, which show other orders; 0 is none."""
    timeout_s: float = 60.0
    """After which everything is ended that is still there."""
    words: tuple[str, ...] = ()
    """By which a command line names the scenario."""
