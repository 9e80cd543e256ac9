# SPDX-License-Identifier: Apache-2.0
"""Says of each sentence of a book whether a trace keeps it, from the verdicts of its rules."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from replay.checks.verdict import Part, Verdict
    from replay.model.values import Model, Sentence


class Kept(StrEnum):
    """Whether a sentence holds."""

    KEPT = "kept"
    NOT_KEPT = "not kept"
    NOT_OBSERVABLE = "not observable"
    """No case of it was recorded, or what was recorded does not decide it."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A sentence, how many of how many cases keep it, and what there was of it."""

    sentence: Sentence
    kept: Kept
    held: int
    count: int
    """Cases that were decided."""


def judged_sentences(model: Model, verdicts: Sequence[Verdict]) -> tuple[Judgement, ...]:
    """Judge each sentence of a model whose rules were all run."""
    by_rule = {verdict.rule: verdict for verdict in verdicts}
    return tuple(
        _judgement(sentence, by_rule)
        for sentence in model.sentences
        if all(rule in by_rule for rule, _ in sentence.rules)
    )


def _judgement(sentence: Sentence, by_rule: dict[str, Verdict]) -> Judgement:
    parts: list[Part] = []
    for rule, names in sentence.rules:
        parts += by_rule[rule].parts_named(names)
    held = sum(part.passed for part in parts)
    violated = sum(part.violated for part in parts)
    kept = Kept.KEPT if held else Kept.NOT_OBSERVABLE
    return Judgement(sentence, Kept.NOT_KEPT if violated else kept, held, held + violated)
