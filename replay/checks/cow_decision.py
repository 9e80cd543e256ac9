# SPDX-License-Identifier: Apache-2.0
"""A write fault copies a private page or reuses it, as the model decides from its counters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from replay.checks.check import Check
from replay.checks.given_up import copied_by_others, overlaps
from replay.checks.judge import Cases, Question, judged, nothing_recorded
from replay.checks.shared_anew import forked_meanwhile
from replay.checks.verdict import Verdict, WitnessEvent
from replay.memory.classes import EXCLUSIVE, PAGE_READ, FaultClass
from replay.memory.pte import PAGE_SHIFT
from replay.model.values import Decision

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence
    from replay.model.values import CowCase

_TABLES: Final = ("fault",)
_DECIDED: Final = {FaultClass.COPY: Decision.COPY, FaultClass.REUSE: Decision.REUSE}
_NOT_READ: Final = "page_not_read"


def _run(evidence: Evidence) -> Verdict:
    cases = evidence.model.cow
    if not cases:
        return Verdict(CHECK.id, (), ())
    if not len(evidence.trace.table("fault")):
        lacks = "the recording has no page faults (--no-faults, or a host where they cannot be had)"
        return nothing_recorded(CHECK.id, evidence, _TABLES, lacks)
    frame = _frame(evidence)
    questions = [_question(case) for case in cases]
    questions.append(
        Question(
            part=_NOT_READ,
            rule="the page's counters at the fault decide",
            applies=pl.col("case") == _NOT_READ,
            holds=pl.lit(None, pl.Boolean),
            missing="the page could not be read",
            found=lambda _: "",
        )
    )
    return judged(CHECK.id, evidence, Cases(frame, _TABLES, _events), questions)


def _frame(evidence: Evidence) -> pl.DataFrame:
    """Give the faults that copied or reused a small private page, each with its line: `case`."""
    faults = evidence.memory.faults.filter(pl.col("class").is_in(list(_DECIDED)))
    case: pl.Expr = pl.lit(None, pl.String)
    decision: pl.Expr = pl.lit(None, pl.String)
    for one in reversed(evidence.model.cow):
        case = pl.when(_fits(one)).then(pl.lit(one.id)).otherwise(case)
        decision = pl.when(_fits(one)).then(pl.lit(one.decision.value)).otherwise(decision)
    read = (pl.col("flags") & PAGE_READ) != 0
    frame = faults.with_columns(
        case=pl.when(read).then(case).otherwise(pl.lit(_NOT_READ)),
        decision=pl.when(read).then(decision),
        done=pl.col("class").cast(pl.String),
    )
    differ = frame.get_column("decision") != frame.get_column("done")
    raced = pl.zeros(len(frame), pl.Boolean, eager=True)
    rows = differ.fill_null(value=False).arg_true()
    if len(rows):
        raced = raced.scatter(rows, _raced(frame[rows], evidence))
    return frame.with_columns(raced=raced)


def _fits(case: CowCase) -> pl.Expr:
    fits = pl.lit(value=True)
    if case.exclusive is not None:
        fits &= ((pl.col("flags") & EXCLUSIVE) != 0) == case.exclusive
    for column, bounds in (("refcount", case.refcount), ("mapcount", case.mapcount)):
        if bounds is not None:
            fits &= pl.col(column).is_between(*bounds)
    return fits


def _raced(rows: pl.DataFrame, evidence: Evidence) -> pl.Series:
    """Tell which faults may have found other counters than those that were read at their entry.

    A page that others map may be given up by them meanwhile: reused although a copy was due. One
    that nobody else has may be shared by a fork of another thread: copied although it was not.
    """
    reused = rows.get_column("done") == FaultClass.REUSE.value
    until = rows.get_column("time_ns") + rows.get_column("took_ns")
    given_up = overlaps(rows.get_column("time_ns"), until, evidence)
    gone = reused & (given_up | copied_by_others(rows, evidence))
    return gone | (~reused & forked_meanwhile(rows, evidence))


def _question(case: CowCase) -> Question:
    is_open = case.decision is Decision.OPEN
    agrees = pl.col("done") == case.decision.value
    raced = pl.when(agrees | ~pl.col("raced")).then(agrees)
    return Question(
        part=case.id,
        rule="either is right" if is_open else f"{case.why}: {case.decision.value}",
        applies=pl.col("case") == case.id,
        holds=pl.lit(None, pl.Boolean) if is_open else raced,
        missing=case.why if is_open else "the page was given up or shared during the fault",
        found=lambda row: f"the kernel did {row['done']}",
    )


def _events(row: dict[str, Any]) -> tuple[WitnessEvent, ...]:
    exclusive = "exclusive" if row["flags"] & EXCLUSIVE else "not exclusive"
    page = f"page {row['address'] >> PAGE_SHIFT:#x}"
    entry = (
        f"{row['tid']} writes to {page}: refcount {row['refcount']}, mapcount {row['mapcount']}, "
        f"{exclusive}"
    )
    done = WitnessEvent(row["time_ns"] + row["took_ns"], "mm_account_fault", row["done"])
    return WitnessEvent(row["time_ns"], "page_fault", entry), done


CHECK: Final = Check(
    id="cow-decision",
    title="a write fault copies or reuses a page as its owner and its references decide",
    what="For every write fault that copied or reused a small private page: the model's rule, "
    "evaluated on the exclusive mark, the reference count and the map count that were recorded at "
    "the fault's entry, decides the same.",
    why="Each copy costs a page and a microsecond. One that the rule does not explain is a hidden "
    "reference: a pin, a buffer, a page that another process keeps.",
    limits="The counters are those at the fault's entry, the kernel looks at them a moment later: "
    "a short reference of an LRU batch or of the swap cache leaves the case open, and so do the "
    "parts of a compound page. A reuse where a copy was due is unknown if another task copied the "
    "page during the fault, or another process ended, executed, changed mappings or failed to "
    "fork, and so is a copy where a reuse was due if another thread forked. Huge pages as a whole "
    "are no case.",
    example="A copy of a page that is PG_anon_exclusive violates it.",
    source="mm/memory.c: do_wp_page(), wp_can_reuse_anon_folio(), wp_page_copy()",
    observed="`fault`: refcount, mapcount and flags at page_fault_user and page_fault_kernel, old "
    "and new page-table entry.",
    run=_run,
)
"""The check."""
