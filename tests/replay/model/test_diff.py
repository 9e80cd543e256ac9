# SPDX-License-Identifier: Apache-2.0
"""What differs between two models."""

from __future__ import annotations

from replay.model.diff import differences, plain
from replay.model.load import load_model
from replay.model.values import FlagCondition


def test_a_model_is_no_different_from_itself() -> None:
    """Nothing is said."""
    model = load_model("linux-6.18")
    assert differences(model, model) == ()


def test_what_is_known_to_have_changed() -> None:
    """5.10 to 5.15: credentials before the limit; a step more; bits more."""
    found = {
        one.place: (one.before, one.after)
        for one in differences(load_model("linux-5.10"), load_model("linux-5.15"))
    }
    assert found["steps.nproc_limit.after"] == ("dup_task_struct", "copy_creds")
    assert found["steps.copy_creds.after"] == ("nproc_limit", "dup_task_struct")
    assert found["steps.sched_cgroup_fork"] == (None, "scheduling group and CPU")
    assert found["undo.bad_fork_cleanup_count.functions"] == (
        "atomic_dec, exit_creds", "dec_rlimit_ucounts, exit_creds",
    )  # fmt: skip


def test_the_other_way_round() -> None:
    """The same places, before and after exchanged."""
    old, new = load_model("linux-6.6"), load_model("linux-6.12")
    there = {(one.place, one.before, one.after) for one in differences(old, new)}
    back = {(one.place, one.after, one.before) for one in differences(new, old)}
    assert there == back
    assert ("refused.pidfd_thread", "EINVAL", None) not in there
    assert any(place == "refused.pidfd_thread" and after is None for place, _, after in there)


def test_plain_values() -> None:
    """Conditions by the names of their flags, sets in order."""
    assert plain(FlagCondition(all=0x100)) == {"all": ["CLONE_VM"]}
    assert plain({"a": frozenset({"y", "x"}), "b": ("z",)}) == {"a": ["x", "y"], "b": ["z"]}
