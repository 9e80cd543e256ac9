# SPDX-License-Identifier: Apache-2.0
"""The list of checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from replay.checks.registry import CHECKS, find_check
from replay.checks.run import run_checks
from replay.checks.verdict import Outcome
from replay.model.load import load_model
from replay.report.rule import rule_json
from tests.replay.checks.creating import is_lost
from tests.replay.checks.mutations import MUTATIONS
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from pathlib import Path

    from replay.checks.verdict import Verdict
    from tests.histories.fake import FakeTrace


def test_ids_are_unique_and_documented() -> None:
    """Every text of every rule says something."""
    assert len({check.id for check in CHECKS}) == len(CHECKS)
    for check in CHECKS:
        for name, text in rule_json(check).items():
            assert text, f"{check.id} says nothing on {name}"


def test_one_is_found_by_id() -> None:
    """And a wrong id tells which was meant."""
    assert find_check("exit-signal").id == "exit-signal"
    with pytest.raises(ProctraceError) as caught:
        find_check("exit-signl")
    assert "did you mean exit-signal?" in caught.value.hint
    assert caught.value.status == 2


def test_sentences_name_rules_that_there_are() -> None:
    """A sentence of the book is decided by rules, and by parts that they have."""
    known = {check.id for check in CHECKS}
    named = {rule for one in load_model("textbook").sentences for rule, _ in one.rules}
    assert named <= known


def judge(trace: FakeTrace, model: str, folder: Path) -> dict[str, Verdict]:
    """Hold a trace against a model, given by name or as the text of a file."""
    if "\n" in model:
        file = folder / "mine.yaml"
        file.write_text(model)
        model = str(file)
    return {verdict.rule: verdict for verdict in run_checks(trace, load_model(model))}


def violated(found: dict[str, Verdict]) -> set[str]:
    """Give the rules that are violated."""
    return {rule for rule, one in found.items() if one.outcome is Outcome.VIOLATION}


def test_no_rule_lacks_its_mutation() -> None:
    """A rule that no trace can break asks nothing."""
    assert set(MUTATIONS) == {check.id for check in CHECKS}


@pytest.mark.parametrize("rule", MUTATIONS)
def test_a_mutation_breaks_its_rule_alone(rule: str, tmp_path: Path) -> None:
    """The whole trace keeps the rule, the mutated one breaks it and no other."""
    mutation = MUTATIONS[rule]
    trace = mutation.whole()
    before = judge(trace, mutation.model, tmp_path)
    assert before[rule].outcome is Outcome.PASS
    assert before[rule].passed > 0
    if mutation.model != "textbook":
        assert violated(before) == set()
    mutation.mutate(trace)
    after = judge(trace, mutation.mutated_model or mutation.model, tmp_path)
    assert violated(after) - violated(before) == {rule}
    assert all(case.events for case in after[rule].cases)


@pytest.mark.parametrize("mutated", [False, True], ids=["whole", "mutated"])
@pytest.mark.parametrize("rule", MUTATIONS)
def test_what_is_lost_leaves_a_rule_open(rule: str, *, mutated: bool, tmp_path: Path) -> None:
    """Without the rows in question the verdict is unknown because of loss, never pass."""
    mutation = MUTATIONS[rule]
    trace, (table, values) = mutation.whole(), mutation.lose
    if mutated:
        mutation.mutate(trace)
    if trace.of(table, **values):
        trace.lose(table, **values)
    else:
        # The mutation dropped them already: now the recorder says that it did.
        trace.add("lost", time_ns=5_000, count=1, first_ns=1, last_ns=5_000)
    trace.rows["lost"][-1]["ring"] = mutation.ring
    found = judge(trace, mutation.model, tmp_path)
    assert is_lost(found[rule])
    if mutation.model != "textbook":
        assert violated(found) == set()


@pytest.mark.parametrize("rule", MUTATIONS)
def test_a_trace_that_is_cut_off_leaves_a_rule_open(rule: str, tmp_path: Path) -> None:
    """What came after may have broken it."""
    mutation = MUTATIONS[rule]
    trace = mutation.whole()
    trace.complete = False
    assert is_lost(judge(trace, mutation.model, tmp_path)[rule])
