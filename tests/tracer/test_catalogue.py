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
            assert row["hook"] == f"{fact.hooks[0].kind} {fact.hooks[0].target}"
        else:
            assert (row["certainty"], row["hook"]) == (fact.without, "")
            assert row["why"] == fact.why != ""


def test_facts_that_nobody_asked_for_are_left_out() -> None:
    """Of no hook tried there is nothing to say; what needs no hook is always in the plan."""
    assert [row["fact"] for row in plan({})] == [fact.name for fact in FACTS if not fact.hooks]
    refused = plan(dict.fromkeys(hooks(), False))
    assert {row["certainty"] for row in refused} == {"inferred", "unobservable"}


def test_hooks_follow_the_options() -> None:
    """A recording without faults pays nothing for them."""
    targets = {hook.target for hook in hooks(())}
    assert "task_newtask" in targets
    assert not targets & {"page_fault_user", "minor_faults", "cgroup_attach_task"}
    assert "minor_faults" in {hook.target for hook in hooks(["faults"])}
    assert "cgroup_attach_task" in {hook.target for hook in hooks(["cgroup"])}
