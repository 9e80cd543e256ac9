# SPDX-License-Identifier: Apache-2.0
"""Losses by place, and what they leave open."""

from __future__ import annotations

from replay.losses import Loss, Losses
from tests.histories.fake import FakeTrace


def test_losses_are_summed_by_ring_and_cpu() -> None:
    """With the span from the first to the last."""
    trace = FakeTrace()
    for ring, cpu, count, first_ns, last_ns in (
        (b"text", 0, 1, 70, 80), (b"events", 1, 3, 50, 60), (b"events", 1, 2, 20, 30),
    ):  # fmt: skip
        trace.add("lost", ring=ring, cpu=cpu, count=count, first_ns=first_ns, last_ns=last_ns)
    losses = Losses.of(trace)
    assert losses.by_place == (Loss(b"events", 1, 5, 20, 60), Loss(b"text", 0, 1, 70, 80))
    assert losses.count == 6


def test_what_a_loss_leaves_open() -> None:
    """Events after it are there; one whose time is not known may be anywhere."""
    trace = FakeTrace()
    assert not Losses.of(trace).possible_after(0)
    trace.add("lost", ring=b"events", count=1, first_ns=20, last_ns=30)
    assert Losses.of(trace).possible_after(30)
    assert not Losses.of(trace).possible_after(31)
    trace.add("lost", ring=b"map", count=1)
    assert Losses.of(trace).possible_after(31)
    assert Losses.of(trace).by_place[1].last_ns == 0


def test_anything_may_be_missing_from_a_cut_trace() -> None:
    """Even where nothing was lost before."""
    assert Losses.of(FakeTrace(complete=False)).possible_after(10**18)
