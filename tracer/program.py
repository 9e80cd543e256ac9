# SPDX-License-Identifier: Apache-2.0
"""The BPF programs as one text for this kernel and this recording, compiled, loaded, attached."""

from __future__ import annotations

import ctypes
import errno
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracer import bcc_seam, direct_reads, memory_layout
from tracer.catalogue import Hook, Option, hooks, plan, step_hooks
from tracer.offsets import TypeInformation, defines_for
from tracer.records import BPF_FOLDER, constants

if TYPE_CHECKING:
    from tracer.bcc_seam import Bpf, LoadedFunction
    from tracer.btf import Btf
    from tracer.direct_reads import DirectReads
    from tracer.memory_layout import MemoryLayout

_SOURCES = (
    "records.h",
    "follow.h",
    "text.h",
    "page_table.h",
    "running.h",
    "stack.c",
    "fault.c",
    "steps.c",
    "newtask_state.c",
    "cgroup.c",
    "mapping.c",
    "rss.c",
    "create.c",
    "schedule.c",
    "exec.c",
    "exit.c",
    "signal.c",
    "syscalls.c",
    "moved.c",
    "calibrate.c",
)
_SOFTWARE_EVENTS = {"minor_faults": 5, "major_faults": 6}
"""PERF_COUNT_SW_PAGE_FAULTS_MIN and _MAJ, include/uapi/linux/perf_event.h."""
_PAGE_BYTES = 4096
_SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)

ORPHANS_MAX = 128
CGROUP_DEPTH_MAX = 32
CPUS_MAX = 128
"""CPUs whose parts of a memory's page counters are read at a fork."""
STACKS_MAX = 16384
"""Different stacks of faults; what comes later and finds no room is recorded without its stack."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a recording asks of the programs. Ring sizes are in bytes, powers of two."""

    recorder_tgid: int
    follow_all: bool = False
    adopt_running: bool = False
    """Tasks already inside a call are adopted as it returns (-p, -a, --cgroup)."""
    wanted_cgroup: int | None = None
    environment: bool = False
    faults: bool = False
    stacks: bool = False
    """Record the user stack of each fault, too."""
    steps: bool = False
    small_ring_bytes: int = 8 << 20
    large_ring_bytes: int = 8 << 20
    text_ring_bytes: int = 8 << 20
    fault_ring_bytes: int = 64 << 20
    step_ring_bytes: int = 16 << 20
    followed_max: int = 32768

    def asked_for(self) -> set[Option]:
        """Name the options that need hooks of their own."""
        wanted: dict[Option, bool] = {
            "cgroup": self.wanted_cgroup is not None,
            "faults": self.faults,
            "steps": self.steps,
        }
        return {option for option, asked in wanted.items() if asked}


@dataclass(slots=True)
class Program:
    """The loaded programs: their maps, and whether the kernel took each hook."""

    bpf: Bpf
    functions: dict[str, LoadedFunction] = field(default_factory=dict)
    hooks: dict[Hook, bool] = field(default_factory=dict)
    """Every hook that was tried, and whether the kernel accepted it."""
    memory: MemoryLayout | None = None
    """Where the kernel keeps pages, measured when faults are recorded."""
    _detached: bool = False

    def plan(self) -> list[dict[str, str]]:
        """For each fact its hook and how sure it is, as the trace stores it."""
        return plan(self.hooks)

    def detach(self) -> None:
        """Stop all programs; the maps stay readable."""
        for hook, accepted in self.hooks.items():
            if accepted and not self._detached:
                _detach(self.bpf, hook)
        self._detached = True

    def close(self) -> None:
        """Detach everything and give the kernel's memory back."""
        self.detach()
        self.bpf.cleanup()

    def missed(self) -> dict[str, int]:
        """How often the kernel skipped a program, since it was running on that CPU already.

        Tracepoints run with preemption off, so only an interrupt comes on top of a program; what
        is allocated and freed there is no step of a call, and not missed. Faults of the kernel
        come on top of the program for such faults only as it unwinds a user stack itself.
        """
        left_out = {hook.program for hook in step_hooks()} | {"on_page_fault_kernel"}
        skipped = {
            name: bcc_seam.program_info(function.fd).recursion_misses
            for name, function in self.functions.items()
            if name not in left_out
        }
        return {name: count for name, count in skipped.items() if count}


def program_text(options: Options, btf: TypeInformation, reads: DirectReads | None = None) -> str:
    """Give the whole C text for this kernel: definitions, then every source file in order."""
    body = "".join(f'#line 1 "{name}"\n{(BPF_FOLDER / name).read_text()}' for name in _SOURCES)
    direct = reads.defines() if reads else ""
    return _option_defines(options) + direct + constants() + defines_for(body, btf) + body


def _option_defines(options: Options) -> str:
    defines = {
        "SMALL_RING_PAGES": options.small_ring_bytes // _PAGE_BYTES,
        "LARGE_RING_PAGES": options.large_ring_bytes // _PAGE_BYTES,
        "TEXT_RING_PAGES": options.text_ring_bytes // _PAGE_BYTES,
        "FOLLOWED_MAX": options.followed_max,
        "ORPHANS_MAX": ORPHANS_MAX,
        "CGROUP_DEPTH_MAX": CGROUP_DEPTH_MAX,
    }
    if options.follow_all:
        defines["FOLLOW_ALL"] = 1
    if options.adopt_running or options.follow_all:
        defines["ADOPT_RUNNING"] = 1
    if options.wanted_cgroup is not None:
        defines["WANTED_CGROUP"] = options.wanted_cgroup
    if options.faults:
        defines["RECORD_FAULTS"] = 1
        defines["FAULT_RING_PAGES"] = options.fault_ring_bytes // _PAGE_BYTES
        defines["CPUS_POSSIBLE"] = min(os.sysconf("SC_NPROCESSORS_CONF"), CPUS_MAX)
    if options.stacks:
        defines["RECORD_STACKS"] = 1
        defines["STACKS_MAX"] = STACKS_MAX
    if options.steps:
        defines["RECORD_STEPS"] = 1
        defines["STEP_RING_PAGES"] = options.step_ring_bytes // _PAGE_BYTES
    if options.environment:
        defines["RECORD_ENVIRONMENT"] = 1
    return "".join(f"#define {name} {value}\n" for name, value in defines.items())


def load(options: Options, btf: Btf) -> Program:
    """Compile and load everything and attach it where the kernel allows.

    Raises ProctraceError when the programs cannot be compiled or verified, and when memory or
    descriptors run out. A tracepoint that this kernel lacks or refuses is False in `hooks`; the
    plan says what is then not known.
    """
    reads = direct_reads.find(btf)
    program = Program(bcc_seam.compile_program(program_text(options, btf, reads)))
    try:
        if reads:
            for code in bcc_seam.instructions(program.bpf):
                direct_reads.redirect(code, reads)
        _prepare_tail_call(program)
        # Not in the text, which is the same for every recording with these options.
        program.bpf[b"recorder_tgid"][ctypes.c_int(0)] = ctypes.c_uint(options.recorder_tgid)
        if options.faults:
            program.memory = memory_layout.measure(program.bpf, btf)
        for hook in hooks(options.asked_for()):
            _load_one(program, hook)
    except BaseException:
        program.close()
        raise
    return program


def _load_one(program: Program, hook: Hook) -> None:
    is_event = hook.kind == "perf software event"
    load_function = bcc_seam.load_perf_event if is_event else bcc_seam.load_raw_tracepoint
    program.functions[hook.program] = load_function(program.bpf, hook.program)
    try:
        if is_event:
            config = _SOFTWARE_EVENTS[hook.target]
            bcc_seam.attach_software_event(program.bpf, config, hook.program)
        else:
            bcc_seam.attach(program.bpf, hook.target, hook.program)
    except bcc_seam.HookRefused as refused:
        if refused.errno in _SHORTAGES:
            raise  # it says nothing of what this kernel offers
        program.hooks[hook] = False
    else:
        program.hooks[hook] = True


def _detach(bpf: Bpf, hook: Hook) -> None:
    if hook.kind == "perf software event":
        bcc_seam.detach_software_event(bpf, _SOFTWARE_EVENTS[hook.target])
    else:
        bcc_seam.detach(bpf, hook.target)


def _prepare_tail_call(program: Program) -> None:
    name = "send_failed_argv"
    function = bcc_seam.load_raw_tracepoint(program.bpf, name)
    program.functions[name] = function
    program.bpf[b"continue_argv"][ctypes.c_int(0)] = ctypes.c_int(function.fd)
