# SPDX-License-Identifier: Apache-2.0
"""tracer.catalogue: facts, hooks, and the plan made of what the kernel accepted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracer.catalogue import FACTS, Hook, hooks, plan


def test_names_are_unique() -> None:
    """A fact is found by its name."""
    assert len({fact.name for fact in FACTS}) == len(FACTS)


def test_programs_are_named_after_their_tracepoint() -> None:
    """The BPF function for a tracepoint is on_<tracepoint>, and each hook is listed once."""
    assert all(hook.program == f"on_{hook.target}" for hook in hooks())
    assert len({hook.target for hook in hooks()}) == len(hooks())


@given(st.sets(st.sampled_from(hooks())))
def test_the_plan(taken: set[Hook]) -> None:
    """Observed exactly with an accepted hook; else why not, and never silently."""
    planned = plan({hook: hook in taken for hook in hooks()})
    assert [row["fact"] for row in planned] == [fact.name for fact in FACTS]
    for fact, row in zip(FACTS, planned, strict=True):
        if set(fact.hooks) & taken:
            assert (row["certainty"], row["why"]) == ("observed", "")
            assert row["hook"] == f"raw tracepoint {fact.hooks[0].target}"
        else:
            assert (row["certainty"], row["hook"]) == (fact.without, "")
            assert row["why"] == fact.why != ""


def test_hooks_that_were_not_tried_are_not_used() -> None:
    """An empty mapping observes nothing."""
    assert {row["certainty"] for row in plan({})} == {"inferred", "unobservable"}
