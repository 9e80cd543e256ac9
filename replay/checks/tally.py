# SPDX-License-Identifier: Apache-2.0
"""The verdicts of a check in a few words: which rules hold, which are violated, which are open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from replay.checks.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from replay.checks.check import Check
    from replay.checks.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Tally:
    """The ids of the rules by what became of them; each rule is in one of the tuples."""

    model: str
    holds: tuple[str, ...]
    violated: tuple[str, ...]
    unknown: tuple[str, ...]
    no_case: tuple[str, ...]
    """Rules of which nothing happened, or that the model does not ask."""
    left: tuple[str, ...] = ()
    """Rules that were not held against the trace."""

    @classmethod
    def of(cls, model: str, verdicts: Sequence[Verdict], left: Sequence[Check] = ()) -> Tally:
        """Sort verdicts under a model; `left` are the checks that were not run."""

        def rules(outcome: Outcome, *, empty: bool = False) -> tuple[str, ...]:
            return tuple(
                verdict.rule
                for verdict in verdicts
                if verdict.outcome is outcome and verdict.has_no_case is empty
            )

        return cls(
            model,
            rules(Outcome.PASS),
            rules(Outcome.VIOLATION),
            rules(Outcome.UNKNOWN),
            rules(Outcome.PASS, empty=True),
            tuple(check.id for check in left),
        )
