# SPDX-License-Identifier: Apache-2.0
"""Every check, and how one is found by its id."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from replay.checks import (
    auto_reap,
    birth_order,
    child_runs_first,
    cow_decision,
    exec_failed,
    exec_identity,
    exec_threads,
    exit_once,
    exit_signal,
    failing_step,
    new_task_flags,
    new_task_members,
    new_task_state,
    parent_and_group,
    reaped_once,
    refused_flags,
    reparenting,
    returned_pid,
    shared_objects,
    source_order,
    step_errors,
    step_order,
    step_presence,
    undo_ladder,
    vfork_wait,
    wait_child,
    wait_status,
)
from traces.errors import STATUS_UNUSABLE_INPUT, ProctraceError

if TYPE_CHECKING:
    from replay.checks.check import Check

CHECKS: Final[tuple[Check, ...]] = (
    refused_flags.CHECK,
    step_errors.CHECK,
    failing_step.CHECK,
    undo_ladder.CHECK,
    step_presence.CHECK,
    step_order.CHECK,
    source_order.CHECK,
    shared_objects.CHECK,
    new_task_state.CHECK,
    new_task_flags.CHECK,
    new_task_members.CHECK,
    parent_and_group.CHECK,
    exit_signal.CHECK,
    birth_order.CHECK,
    returned_pid.CHECK,
    child_runs_first.CHECK,
    vfork_wait.CHECK,
    cow_decision.CHECK,
    exec_identity.CHECK,
    exec_threads.CHECK,
    exec_failed.CHECK,
    exit_once.CHECK,
    auto_reap.CHECK,
    reparenting.CHECK,
    wait_child.CHECK,
    wait_status.CHECK,
    reaped_once.CHECK,
)
"""In the order in which they are run and shown: along the life of a task."""
OF_STEPS: Final = (failing_step.CHECK, undo_ladder.CHECK, step_presence.CHECK, step_order.CHECK)
"""Those that go through every step of every creation: a hundred rows for a fork."""


def find_check(rule: str) -> Check:
    """Give the check of an id; ProctraceError with the nearest id when there is none."""
    for check in CHECKS:
        if check.id == rule:
            return check
    known = [check.id for check in CHECKS]
    close = get_close_matches(rule, known)
    meant = f"did you mean {close[0]}? " if close else ""
    raise ProctraceError(
        f"there is no rule {rule!a}",
        f"the rules are {', '.join(known)}",
        f"{meant}'proctrace explain RULE' tells what one asks",
        status=STATUS_UNUSABLE_INPUT,
    )
