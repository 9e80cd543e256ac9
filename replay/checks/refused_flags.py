# SPDX-License-Identifier: Apache-2.0
"""Combinations of clone flags that the kernel refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from replay.checks.check import Check
from replay.checks.evidence import SYSCALL_CLONE, SYSCALL_CLONE3
from replay.checks.judge import Cases, Question, judged
from replay.checks.post_conditions import flags_hold, flags_in_words
from replay.checks.verdict import WitnessEvent
from replay.model.terms import ERRNO_NUMBERS
from replay.names import CLONE_FLAGS, errno_name, flag_names, syscall_name

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence
    from replay.checks.verdict import Verdict
    from replay.model.values import Model, Refusal

_NUMBERS: Final = {"clone": SYSCALL_CLONE, "clone3": SYSCALL_CLONE3}
_GREATEST_SIGNAL: Final = 64


def _run(evidence: Evidence) -> Verdict:
    questions = [
        _question(evidence.model, refusal)
        for refusal in evidence.model.refused
        if not refusal.only_if
    ]
    cases = Cases(evidence.clone_calls, ("clone_call",), clone_call_events)
    return judged(CHECK.id, evidence, cases, questions)


def clone_call_events(row: dict[str, Any]) -> tuple[WitnessEvent, ...]:
    """Give entry and return of the call that a row of `clone_call` is about, in words."""
    name = syscall_name(row["syscall"])
    flags = " | ".join(flag_names(row["flags"], CLONE_FLAGS)) or "no flags"
    result = errno_name(row["errno"]) if row["errno"] else f"{row['result']}"
    return (
        WitnessEvent(row["enter_ns"], "sys_enter", f"{row['tid']} calls {name} with {flags}"),
        WitnessEvent(row["time_ns"], "sys_exit", f"{row['tid']} returns from {name}: {result}"),
    )


def _question(model: Model, refusal: Refusal) -> Question:
    allowed = {refusal.errno}
    for name in model.before[refusal.step]:
        allowed |= set(model.step(name).errno)
    numbers = [ERRNO_NUMBERS[name] for name in sorted(allowed)]
    return Question(
        part=refusal.id,
        rule=f"{' and '.join(refusal.calls)}{_words(refusal)}: {refusal.errno}",
        applies=_applies(refusal),
        holds=pl.col("errno").is_in(numbers),
        missing="",
        found=lambda row: f"the call gave {_result(row)}",
    )


def _applies(refusal: Refusal) -> pl.Expr:
    numbers = [_NUMBERS[call] for call in refusal.calls]
    # Arguments of clone3 that could not be read are stored as 0.
    read = (pl.col("syscall") != SYSCALL_CLONE3) | (pl.col("args_read") != 0)
    signal = {
        "": pl.lit(value=True),
        "nonzero": pl.col("exit_signal") != 0,
        "invalid": pl.col("exit_signal") > _GREATEST_SIGNAL,
    }[refusal.exit_signal]
    called = pl.col("syscall").is_in(numbers) & read
    return called & signal & flags_hold(refusal.when, "flags")


def _words(refusal: Refusal) -> str:
    signal = f" with an exit signal that is {refusal.exit_signal}" if refusal.exit_signal else ""
    return flags_in_words(refusal.when) + signal


def _result(row: dict[str, Any]) -> str:
    return errno_name(row["errno"]) if row["errno"] else f"the child {row['result']}"


CHECK: Final = Check(
    id="refused-flags",
    title="combinations of flags that make no sense are refused",
    what="Every clone or clone3 whose flags the kernel must refuse fails, with the error of the "
    "refusal or with one that an earlier step gives.",
    why="A program that relies on a refused combination fails on every kernel of that age; one "
    "that is refused here may be accepted elsewhere (CLONE_PIDFD with CLONE_THREAD since 6.9).",
    limits="Refusals that depend on something a trace does not show (the caller being an init, "
    "a namespace unshared for children, equal pointers) are not demanded. The arguments of a "
    "clone3 that could not be read are not judged.",
    example="clone3(CLONE_THREAD) without CLONE_SIGHAND that gives a thread violates it.",
    source="kernel/fork.c: copy_process(), kernel_clone(), clone3_args_valid(); "
    "kernel/nsproxy.c: copy_namespaces()",
    observed="`clone_call`: flags and exit_signal at sys_enter, result at sys_exit.",
    run=_run,
)
"""The check."""
