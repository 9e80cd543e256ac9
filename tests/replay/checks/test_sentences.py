# SPDX-License-Identifier: Apache-2.0
"""Sentences of a book, judged by their rules."""

from __future__ import annotations

from replay.checks.run import run_checks
from replay.checks.sentences import Kept, judged_sentences
from tests.replay.checks.creating import TEXTBOOK, creations


def test_what_a_modern_kernel_keeps() -> None:
    """Sharing and flags yes, the state and who runs first no."""
    found = {
        one.sentence.id: one
        for one in judged_sentences(TEXTBOOK, run_checks(creations(0), TEXTBOOK))
    }
    assert (found["4"].kept, found["4"].held, found["4"].count) == (Kept.NOT_KEPT, 0, 1)
    assert found["5"].kept is Kept.KEPT
    assert (found["7"].kept, found["7"].held) == (Kept.KEPT, 5)
    assert found["child-first"].kept is Kept.NOT_KEPT
    assert "TASK_NEW" in found["4"].sentence.kernel


def test_without_a_case_nothing_is_kept() -> None:
    """Nor broken."""
    judged = judged_sentences(TEXTBOOK, run_checks(creations(), TEXTBOOK))
    assert {one.kept for one in judged} == {Kept.NOT_OBSERVABLE}


def test_a_sentence_whose_rule_was_not_run() -> None:
    """Is not judged."""
    assert judged_sentences(TEXTBOOK, ()) == ()
