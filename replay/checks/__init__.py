# SPDX-License-Identifier: Apache-2.0
"""Holds a trace against a reference model, rule by rule; what each rule says is in its file.

How to add a check. Write a file with one `Check` named CHECK: its texts are what
`proctrace explain` prints (what it asks, why that matters, its limits, an example, the kernel's
source, how it is observed), and its `run` takes an `Evidence` (the trace, the model, what was
lost) and gives a `Verdict`. What the rule expects comes from `evidence.model`, never from the
file itself: a check says how to compare, the model with what. Bulk work is polars expressions
(`judge.judged` counts a frame of cases by two expressions, applies and holds); Python runs only
for the rows that are shown. A case whose facts were not recorded is null there, never false: it
becomes unknown, because of loss where anything was lost and as not observable elsewhere. Add the
CHECK to the tuple in `registry.py`, and to tests/replay/checks/mutations.py a trace that keeps the
rule, a mutation that breaks it and no other, and the rows whose loss must leave it unknown: a rule
without them fails test_registry.py.
"""
