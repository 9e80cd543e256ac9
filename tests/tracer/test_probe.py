# SPDX-License-Identifier: Apache-2.0
"""tracer.probe: every kind of hook gets an answer, and nothing stays behind."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tests.tracer.btf_builder import Builder
from tracer import bpf_syscall, probe
from tracer.btf import Btf
from tracer.catalogue import Hook, hooks

KINDS = [
    "fentry",
    "fexit",
    "kprobe",
    "tracepoint",
    "raw tracepoint",
    "tp_btf",
    "perf software event",
    "ring buffer",
]


def descriptors() -> int:
    """Give how many descriptors are open."""
    return sum(Path(f"/proc/self/fd/{number}").is_symlink() for number in range(1024))


def refusing(code: int) -> pytest.MonkeyPatch:
    """Have the kernel refuse every bpf(2) and perf_event_open(2) with this errno."""

    def refuse(*_: object) -> int:
        raise OSError(code, "refused")

    patch = pytest.MonkeyPatch()
    patch.setattr(bpf_syscall, "_call", refuse)
    return patch


@pytest.mark.parametrize("code", [errno.EPERM, errno.EINVAL, 524])
def test_everything_is_refused(tmp_path: Path, code: int) -> None:
    """Each kind is unavailable, with errno and a sentence; nothing is raised."""
    patch = refusing(code)
    try:
        found = probe.probe(None, tmp_path)
    finally:
        patch.undo()
    assert [capability.kind for capability in found] == KINDS
    assert not any(capability.available for capability in found)
    asked = [capability for capability in found if capability.errno]
    assert {capability.errno for capability in asked} == {code}
    assert all(capability.why for capability in found)
    if code == errno.EPERM:
        assert {capability.why for capability in asked} == {"not permitted (EPERM)"}


def test_without_what_it_is_tried_on(tmp_path: Path) -> None:
    """No BTF, BTF without the function, no kprobe device: said so, the kernel is not asked."""
    for types in (None, Btf(Builder().build())):
        found = {capability.kind: capability for capability in probe.probe(types, tmp_path)}
        for kind in ("fentry", "fexit", "kprobe", "tp_btf"):
            assert (found[kind].available, found[kind].errno) == (False, 0)
            assert found[kind].why


@pytest.mark.kernel
def test_this_kernel() -> None:
    """GIVEN a host that can record, THEN the hooks of a recording are available, none is left."""
    types = Btf.running()
    before = descriptors()
    found = {capability.kind: capability for capability in probe.probe(types)}
    assert descriptors() == before
    assert found["raw tracepoint"].available
    assert found["ring buffer"].available
    for capability in found.values():
        assert capability.available == (capability.why == "")
        if capability.errno == errno.EPERM:
            assert "policy" in capability.why


@pytest.mark.kernel
def test_hooks_of_the_catalogue() -> None:
    """A real tracepoint is accepted, an invented one is not."""
    invented = Hook("raw tracepoint", "no_such_tracepoint", "on_no_such_tracepoint")
    before = descriptors()
    taken = probe.accepted((*hooks({"cgroup", "faults"}), invented))
    assert descriptors() == before
    assert taken.pop(invented) is False
    assert set(taken.values()) == {True}
