# SPDX-License-Identifier: Apache-2.0
"""What a check finds: per rule, per part of the rule and per case, with a witness for each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """Whether a rule holds."""

    PASS = "pass"  # noqa: S105 - no password
    VIOLATION = "violation"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why an outcome is unknown."""

    NONE = ""
    LOST = "lost"
    """Records were lost, or the trace is cut off: the case may be there or not."""
    UNOBSERVABLE = "unobservable"
    """This recording does not hold what the rule asks about, on that host or with its options."""


@dataclass(frozen=True, slots=True)
class WitnessEvent:
    """A recorded event, as a reader needs it to see that the rule holds or not."""

    time_ns: int
    """CLOCK_MONOTONIC."""
    name: str
    """The table or tracepoint."""
    text: str


@dataclass(frozen=True, slots=True)
class Case:
    """One case that did not pass: the smallest set of events that shows it."""

    part: str
    outcome: Outcome
    reason: Reason
    why: str
    """The rule in words and what was found instead; for UNKNOWN, what is missing."""
    events: tuple[WitnessEvent, ...]
    """In the order in which they happened."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a rule asks, and how many cases there were."""

    name: str
    rule: str
    """In words."""
    passed: int
    violated: int
    lost: int
    """Cases that are unknown because records were lost."""
    unobservable: int

    @property
    def count(self) -> int:
        """All cases."""
        return self.passed + self.violated + self.lost + self.unobservable


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one rule."""

    rule: str
    parts: tuple[Part, ...]
    cases: tuple[Case, ...]
    """Cases that did not pass: the first ones of each part; `parts` counts all."""
    missing: int = 0
    """Records lost that may have held further cases."""
    incomplete: bool = False
    """The trace was cut off, so that further cases may be missing."""
    not_recorded: str = ""
    """Why there can be no case at all: what the recording lacks; empty where it could be seen."""

    @property
    def passed(self) -> int:
        """Cases that passed."""
        return sum(part.passed for part in self.parts)

    @property
    def violated(self) -> int:
        """Cases that violate the rule."""
        return sum(part.violated for part in self.parts)

    @property
    def lost(self) -> int:
        """Cases that are unknown because records were lost."""
        return sum(part.lost for part in self.parts)

    @property
    def unobservable(self) -> int:
        """Cases that are unknown because the recording does not hold what decides them."""
        return sum(part.unobservable for part in self.parts)

    @property
    def count(self) -> int:
        """All cases."""
        return sum(part.count for part in self.parts)

    @property
    def reason(self) -> Reason:
        """Why the outcome is unknown; NONE where it is not."""
        if self.outcome is not Outcome.UNKNOWN:
            return Reason.NONE
        lost = self.lost or self.missing or self.incomplete
        return Reason.LOST if lost else Reason.UNOBSERVABLE

    @property
    def outcome(self) -> Outcome:
        """VIOLATION if any case is one; PASS only if nothing was lost and something was seen."""
        if self.violated:
            return Outcome.VIOLATION
        if self.lost or self.missing or self.incomplete or self.not_recorded:
            return Outcome.UNKNOWN
        return Outcome.UNKNOWN if self.unobservable and not self.passed else Outcome.PASS

    @property
    def has_no_case(self) -> bool:
        """Whether nothing happened that the rule is about, as far as is known."""
        return self.outcome is Outcome.PASS and not self.count

    def parts_named(self, names: tuple[str, ...]) -> tuple[Part, ...]:
        """Give the parts of these names; all without a name."""
        return tuple(part for part in self.parts if not names or part.name in names)
