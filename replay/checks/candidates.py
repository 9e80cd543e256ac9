# SPDX-License-Identifier: Apache-2.0
"""The steps at which a call of the clone family can have failed, by all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from replay.checks.allocations import allocations
from replay.model.values import Observed
from replay.names import errno_name, syscall_name

if TYPE_CHECKING:
    from replay.model.values import Model, Refusal, Step

_GREATEST_SIGNAL: Final = 64


@dataclass(frozen=True, slots=True)
class FailedCall:
    """What is known of a call that failed."""

    flags: int
    """The clone flags that the kernel looked at."""
    errno: int
    syscall: int
    exit_signal: int
    args_read: bool
    """Whether flags and signal are the caller's; those of a clone3 may not have been readable."""
    seen: frozenset[str]
    """Ids of the steps that allocated."""
    denied: frozenset[int] | None
    """Capabilities that the caller was found not to have; None where this was not observed."""


def candidates(model: Model, call: FailedCall) -> list[str]:
    """Give the steps that can have failed, in the model's order.

    Such a step gives the error, all steps before it that allocate were taken, and none after it.
    A combination of flags that is refused for certain ends the call at its step or before; a step
    that fails for want of capabilities has asked for them.
    """
    name = errno_name(call.errno)
    shown = {
        step.id
        for step, one in allocations(model)
        if step.when.holds(call.flags) and one.when.holds(call.flags)
    }
    fitting = [
        step for step in model.steps
        if name in step.errno
        and (not step.calls or syscall_name(call.syscall) in step.calls)
        and _fits(model, step, shown, call.seen)
    ]  # fmt: skip
    return [step.id for step in _denied(_refused(fitting, model, call), call)]


def _fits(model: Model, step: Step, shown: set[str], taken: frozenset[str]) -> bool:
    before = model.before[step.id]
    after = {one for one in shown | taken if step.id in model.before[one]}
    return (shown & before) <= taken and not taken & after


def _refused(fitting: list[Step], model: Model, call: FailedCall) -> list[Step]:
    """Leave out what comes after a step that refuses these flags with this error."""
    ends = [one.step for one in model.refused if _is_certain(one, call)]
    return [step for step in fitting if not any(end in model.before[step.id] for end in ends)]


def _is_certain(refusal: Refusal, call: FailedCall) -> bool:
    signal = {
        "": True,
        "nonzero": call.exit_signal != 0,
        "invalid": call.exit_signal > _GREATEST_SIGNAL,
    }[refusal.exit_signal]
    return (
        call.args_read
        and not refusal.only_if
        and syscall_name(call.syscall) in refusal.calls
        and errno_name(call.errno) == refusal.errno
        and signal
        and refusal.when.holds(call.flags)
    )


def _denied(fitting: list[Step], call: FailedCall) -> list[Step]:
    """Tell a step that asks for capabilities before it fails from those that do not."""
    if call.denied is None:
        return fitting
    denied = call.denied
    asking = {step.id: capabilities for step in fitting if (capabilities := _asked(step))}
    failed = [step for step in fitting if step.id in asking and asking[step.id] <= denied]
    return failed or [step for step in fitting if step.id not in asking]


def _asked(step: Step) -> frozenset[int]:
    seen = step.observe.get("t0", ())
    return frozenset(int(one.name) for one in seen if one.kind is Observed.CAPABILITY)
