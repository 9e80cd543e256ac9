# SPDX-License-Identifier: Apache-2.0
"""The step at which a creation failed: one that gives this error, and nothing after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from replay.checks.candidates import FailedCall, candidates
from replay.checks.check import Check
from replay.checks.evidence import SYSCALL_CLONE, SYSCALL_CLONE3
from replay.checks.judge import Cases, Question, judged, nothing_recorded
from replay.checks.seen_steps import TABLES, lacking, vague
from replay.checks.verdict import Verdict, WitnessEvent
from replay.checks.words import call_result
from replay.names import CLONE_FLAGS, errno_name, flag_names
from replay.steps.windows import What

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence
    from replay.model.values import Model

_SIGNATURE: Final = ["asked", "errno", "syscall", "requested", "args_read", "seen", "denied"]


def _run(evidence: Evidence) -> Verdict:
    model = evidence.model
    if not any(step.errno for step in model.steps):
        return Verdict(CHECK.id, (), ())
    if lacks := lacking(evidence):
        return nothing_recorded(CHECK.id, evidence, TABLES, lacks)
    certain = ~pl.col("vague") & (not evidence.anything_lost(TABLES))
    order = [step.id for step in model.steps]
    question = Question(
        part="step",
        rule="the steps that were taken end at one that gives this error",
        applies=pl.lit(value=True),
        holds=pl.when(pl.col("candidates") != "").then(statement=True)
        .when(certain).then(statement=False),
        missing="a step may have been lost, or its cache is not known",
        found=lambda row: f"{errno_name(row['errno'])} after {_in_order(row['seen'], order)}",
    )  # fmt: skip
    frame = failures(evidence).join(
        vague(evidence), on="window", how="left", maintain_order="left"
    ).with_columns(pl.col("vague").fill_null(value=False))  # fmt: skip
    return judged(CHECK.id, evidence, Cases(frame, TABLES, failed_events), [question])


def _in_order(seen: str, order: list[str]) -> str:
    return ", ".join(sorted(seen.split(), key=order.index)) or "nothing"


def failures(evidence: Evidence) -> pl.DataFrame:
    """Give every failed call with `errno`, the steps that it took, and where it can have failed.

    `asked`: its clone flags; `seen` and `candidates`: ids of steps with a space between them.
    """
    flags = pl.col("flags") & pl.lit(0xFFFFFF00, pl.UInt64)
    calls = evidence.windows.calls.filter((pl.col("result") < 0) & (pl.col("unfinished") == 0))
    seen = (
        evidence.allocated.join(calls, on="window", how="semi")
        .group_by("window")
        .agg(seen=pl.col("step").unique().sort().str.join(" "))
    )
    calls = calls.join(seen, on="window", how="left", maintain_order="left").with_columns(
        pl.col("seen").fill_null(""),
        errno=-pl.col("result"),
        asked=pl.when(pl.col("syscall") == SYSCALL_CLONE).then(flags).otherwise("flags"),
    )
    calls = calls.join(_denied(evidence), on="window", how="left", maintain_order="left")
    kinds = calls.select(_SIGNATURE).unique()
    rows = [(*row, _found(evidence.model, *row)) for row in kinds.iter_rows()]
    known = pl.DataFrame(rows, {**kinds.schema, "candidates": pl.String}, orient="row")
    return calls.join(known, on=_SIGNATURE, how="left", nulls_equal=True, maintain_order="left")


def failing_steps(evidence: Evidence, call: dict[str, Any]) -> tuple[str, ...]:
    """Give the steps at which a call of `Windows.calls` can have failed; none if it did not."""
    if call["result"] >= 0:
        return ()
    found = failures(evidence).filter(pl.col("window") == call["window"])
    return tuple(found["candidates"].item().split()) if len(found) else ()


def _denied(evidence: Evidence) -> pl.DataFrame:
    """Give for every call the capabilities that were asked for in vain; null if not observed."""
    windows = evidence.windows.calls.select("window")
    if evidence.unobserved("capability_checked") or evidence.anything_lost(TABLES):
        return windows.with_columns(denied=pl.lit(None, pl.String))
    checks = evidence.windows.events.filter(pl.col("what") == What.CAPABILITY)
    denied = checks.filter(pl.col("result") < 0).group_by("window").agg(
        denied=pl.col("amount").unique().sort().cast(pl.String).str.join(" ")
    )  # fmt: skip
    found = windows.join(denied, on="window", how="left")
    return found.with_columns(pl.col("denied").fill_null(""))


def _found(
    model: Model,
    *row: Any,  # noqa: ANN401 the values of _SIGNATURE
) -> str:
    asked, errno, syscall, requested, args_read, seen, denied = row
    call = FailedCall(
        flags=asked,
        errno=errno,
        syscall=syscall,
        exit_signal=requested,
        args_read=syscall != SYSCALL_CLONE3 or bool(args_read),
        seen=frozenset(seen.split()),
        denied=None if denied is None else frozenset(map(int, denied.split())),
    )
    return " ".join(candidates(model, call))


def failed_events(row: dict[str, Any]) -> tuple[WitnessEvent, ...]:
    """Give the call of a row of `failures`."""
    flags = " | ".join(flag_names(row["asked"], CLONE_FLAGS)) or "no flags"
    result = call_result(row["result"], row["syscall"])
    return (
        WitnessEvent(row["enter_ns"], "sys_enter", f"{row['tid']} asks for {flags}"),
        WitnessEvent(row["time_ns"], "sys_exit", f"{row['tid']}: {result}"),
    )


CHECK: Final = Check(
    id="failing-step",
    title="a failed creation got as far as a step that gives its error",
    what="For every call of the clone family that failed: there is a step that gives this error, "
    "each step before it that allocates was taken, and none after it.",
    why="EAGAIN alone does not say whether the user's limit, the cgroup's or the namespace's was "
    "reached; the steps do.",
    limits="Several steps may give the same error with nothing between them that shows: the "
    "limit of the system and the scheduler, a page table and a pid. The limit of the user is told "
    "from them by the capabilities asked for, where they are observed (6.14 and later).",
    example="An EEXIST without an allocated pid violates it: only alloc_pid() gives that error.",
    source="kernel/fork.c: copy_process() and what it calls",
    observed="`step` in the window of `clone_call`, its result.",
    run=_run,
)
"""The check."""
