# SPDX-License-Identifier: Apache-2.0
"""A check: the documentation of a rule, and the function that holds a trace against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from replay.checks.evidence import Evidence
    from replay.checks.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Check:
    """One rule. The texts are sentences; `proctrace explain ID` prints them."""

    id: str
    title: str
    what: str
    """What it asks of a trace."""
    why: str
    """Why that matters."""
    limits: str
    """What it cannot tell."""
    example: str
    """A case, and what a violation would look like."""
    source: str
    """Where the kernel has the rule."""
    observed: str
    """From which tables and columns, by which tracepoints."""
    run: Callable[[Evidence], Verdict]
