# SPDX-License-Identifier: Apache-2.0
"""What kinds of hook this kernel offers, found out by loading a program, never by its version.

The program is two instructions long (return 0). Where attaching is harmless it is attached for an
instant; everything is closed again.
"""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from tracer import bpf_syscall as bpf
from tracer.btf_format import Kind
from tracer.host import SYS, read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tracer.btf import Btf
    from tracer.catalogue import Hook

_FUNCTION = "bpf_fentry_test1"
"""net/bpf/test_run.c: a function that is there to be hooked, and never runs by itself."""
_TRACEPOINT = "task_newtask"
_PERF_TYPE_SOFTWARE, _PERF_COUNT_SW_PAGE_FAULTS_MIN = 1, 5
_ENOTSUPP = 524
"""include/linux/errno.h; never meant for user space, but bpf(2) returns it."""

_MEANING = {
    errno.EPERM: "not permitted",
    errno.EACCES: "not permitted",
    errno.EINVAL: "this kernel does not know it",
    errno.ENOENT: "this kernel is built without it",
    errno.EOPNOTSUPP: "this kernel is built without it",
    _ENOTSUPP: "this kernel is built without it",
}


class Capability(NamedTuple):
    """Whether one kind of hook can be used here; `why` is empty when it can.

    `errno` is what the kernel said; 0 when it was not asked.
    """

    kind: str
    available: bool
    errno: int
    why: str


class _Unavailable(Exception):  # noqa: N818 - the reason to give, caught below
    pass


def probe(types: Btf | None, system: Path = SYS) -> list[Capability]:
    """Try every kind of hook; `types` is None where the kernel shows no BTF."""
    attempts: tuple[tuple[str, Callable[[ExitStack], None]], ...] = (
        ("fentry", lambda held: _load_tracing(held, types, bpf.ATTACH_TRACE_FENTRY)),
        ("fexit", lambda held: _load_tracing(held, types, bpf.ATTACH_TRACE_FEXIT)),
        ("kprobe", lambda held: _attach_kprobe(held, system)),
        ("tracepoint", _load_tracepoint),
        ("raw tracepoint", _attach_raw_tracepoint),
        ("tp_btf", lambda held: _attach_tp_btf(held, types)),
        ("perf software event", _open_page_fault_event),
        ("ring buffer", _create_ring_buffer),
    )
    tried = [_attempt(kind, attempt) for kind, attempt in attempts]
    if any(capability.available for capability in tried):
        # We do hold the privilege, so what is forbidden is forbidden to everyone.
        tried = [_as_policy(capability) for capability in tried]
    return tried


def accepted(hooks: Iterable[Hook]) -> dict[Hook, bool]:
    """Tell of each hook whether the kernel lets a program attach to it."""
    attempts: dict[str, Callable[[Hook, ExitStack], None]] = {
        "raw tracepoint": lambda hook, held: _attach_raw_tracepoint(held, hook.target),
        "perf software event": lambda _, held: _open_page_fault_event(held),
    }
    return {
        hook: _attempt(hook.kind, partial(attempts[hook.kind], hook)).available
        for hook in hooks
        if hook.kind in attempts
    }


def _attempt(kind: str, attempt: Callable[[ExitStack], None]) -> Capability:
    with ExitStack() as held:
        try:
            attempt(held)
        except OSError as error:
            code = error.errno or 0
            name = errno.errorcode.get(code, str(code))
            return _refused(kind, code, f"{_MEANING.get(code, error.strerror)} ({name})")
        except _Unavailable as reason:
            return _refused(kind, 0, str(reason))
    return Capability(kind, available=True, errno=0, why="")


def _refused(kind: str, code: int, why: str) -> Capability:
    return Capability(kind, available=False, errno=code, why=why)


def _as_policy(capability: Capability) -> Capability:
    if capability.errno not in (errno.EPERM, errno.EACCES):
        return capability
    name = errno.errorcode[capability.errno]
    return capability._replace(why=f"forbidden by a policy of this kernel ({name})")


def _hold(held: ExitStack, descriptor: int) -> int:
    held.callback(os.close, descriptor)
    return descriptor


def _load(held: ExitStack, program_type: int) -> int:
    return _hold(held, bpf.load_empty_program(program_type))


def _load_tracepoint(held: ExitStack) -> None:
    _load(held, bpf.PROG_TYPE_TRACEPOINT)


def _load_tracing(held: ExitStack, types: Btf | None, attach_type: int) -> None:
    target = _target(types, Kind.FUNC, _FUNCTION)
    program = bpf.load_empty_program(
        bpf.PROG_TYPE_TRACING, attach_type=attach_type, attach_btf_id=target
    )
    _hold(held, program)


def _attach_kprobe(held: ExitStack, system: Path) -> None:
    event_type = read_text(system / "bus" / "event_source" / "devices" / "kprobe" / "type")
    if event_type is None:
        raise _Unavailable("this kernel is built without kprobes")
    _load(held, bpf.PROG_TYPE_KPROBE)
    _hold(held, bpf.open_perf_event(int(event_type), 0, name=_FUNCTION.encode()))


def _attach_raw_tracepoint(held: ExitStack, tracepoint: str = _TRACEPOINT) -> None:
    program = _load(held, bpf.PROG_TYPE_RAW_TRACEPOINT)
    _hold(held, bpf.open_raw_tracepoint(program, tracepoint))


def _attach_tp_btf(held: ExitStack, types: Btf | None) -> None:
    target = _target(types, Kind.TYPEDEF, f"btf_trace_{_TRACEPOINT}")
    program = bpf.load_empty_program(
        bpf.PROG_TYPE_TRACING, attach_type=bpf.ATTACH_TRACE_RAW_TP, attach_btf_id=target
    )
    _hold(held, program)
    _hold(held, bpf.open_raw_tracepoint(program, None))


def _open_page_fault_event(held: ExitStack) -> None:
    _load(held, bpf.PROG_TYPE_PERF_EVENT)
    _hold(held, bpf.open_perf_event(_PERF_TYPE_SOFTWARE, _PERF_COUNT_SW_PAGE_FAULTS_MIN))


def _create_ring_buffer(held: ExitStack) -> None:
    _hold(held, bpf.create_ring_buffer(os.sysconf("SC_PAGE_SIZE")))


def _target(types: Btf | None, kind: int, name: str) -> int:
    if types is None:
        raise _Unavailable("it needs the kernel's type information (BTF)")
    type_id = types.type_id(kind, name)
    if type_id is None:
        raise _Unavailable(f"this kernel has no {name} to try it on")
    return type_id
