# SPDX-License-Identifier: Apache-2.0
"""Programs that were compiled before, loaded and attached by bpf(2) alone.

They are what `tracer.bcc_seam.Bpf` promises, so nobody can tell them from bcc's own, except that
neither bcc nor clang was needed.
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracer import bpf_syscall
from tracer.bpf_map import BpfMap, cpu_numbers
from tracer.compiled import with_maps

if TYPE_CHECKING:
    from tracer.compiled import Compiled

_LOG_BYTES: Final = 1 << 24
_ONLINE_CPUS: Final = Path("/sys/devices/system/cpu/online")


@dataclass(frozen=True, slots=True)
class _Loaded:
    fd: int


class KeptPrograms:
    """Compiled programs with maps in the kernel; raises OSError where the kernel refuses."""

    RAW_TRACEPOINT: int = bpf_syscall.PROG_TYPE_RAW_TRACEPOINT
    PERF_EVENT: int = bpf_syscall.PROG_TYPE_PERF_EVENT

    def __init__(self, compiled: Compiled) -> None:
        """Create the maps; the functions are loaded one by one."""
        self._terms = compiled.terms.encode()
        self._maps: dict[bytes, BpfMap] = {}
        self._loaded: dict[bytes, int] = {}
        self._links: dict[tuple[bytes | int, ...], list[int]] = {}
        try:
            for shape in compiled.maps:
                self._maps[shape.name.encode()] = BpfMap(shape)
        except OSError:
            self.cleanup()
            raise
        descriptors = {number: each.map_fd for number, each in enumerate(self._maps.values())}
        self._code = {
            name.encode(): ctypes.create_string_buffer(with_maps(code, descriptors), len(code))
            for name, code in compiled.functions.items()
        }

    def instructions(self) -> list[ctypes.Array[ctypes.c_char]]:
        """Give the instructions of each function, in the place they will be loaded from."""
        return list(self._code.values())

    def load_func(self, func_name: bytes, prog_type: int) -> _Loaded:
        """Load one function into the kernel; what the verifier says goes to standard error."""
        if func_name not in self._loaded:
            self._loaded[func_name] = self._load(func_name, prog_type)
        return _Loaded(self._loaded[func_name])

    def _load(self, func_name: bytes, prog_type: int) -> int:
        code, name = self._code[func_name].raw, func_name.decode()
        try:
            return bpf_syscall.load_program(prog_type, code, name=name, terms=self._terms)
        except OSError:
            # The kernel tells why only when asked before, which takes it longer.
            log = ctypes.create_string_buffer(_LOG_BYTES)
            try:
                return bpf_syscall.load_program(
                    prog_type, code, name=name, terms=self._terms, log=log
                )
            finally:
                os.write(2, log.value)

    def attach_raw_tracepoint(self, tp: bytes, fn_name: bytes) -> None:
        """Run a function, loaded now where it was not, at every hit of a raw tracepoint."""
        program = self.load_func(fn_name, self.RAW_TRACEPOINT).fd
        link = bpf_syscall.open_raw_tracepoint(program, tp.decode())
        self._links.setdefault((tp,), []).append(link)

    def detach_raw_tracepoint(self, tp: bytes) -> None:
        """Undo `attach_raw_tracepoint`."""
        self._unlink((tp,))

    def attach_perf_event(
        self, *, ev_type: int, ev_config: int, fn_name: bytes, sample_period: int
    ) -> None:
        """Run a function, loaded now where it was not, at a perf event of all CPUs."""
        program = self.load_func(fn_name, self.PERF_EVENT).fd
        name = (ev_type, ev_config)
        events = self._links.setdefault(name, [])
        try:
            for cpu in cpu_numbers(_ONLINE_CPUS):
                events.append(bpf_syscall.run_at_event(program, *name, cpu, sample_period))
        except OSError:
            self._unlink(name)  # at all CPUs or at none
            raise

    def detach_perf_event(self, *, ev_type: int, ev_config: int) -> None:
        """Undo `attach_perf_event`."""
        self._unlink((ev_type, ev_config))

    def __getitem__(self, name: bytes) -> BpfMap:
        """Give a map by its name; raise KeyError without it."""
        return self._maps[name]

    def cleanup(self) -> None:
        """Detach and free everything."""
        for name in list(self._links):
            self._unlink(name)
        for descriptor in self._loaded.values():
            os.close(descriptor)
        for each in self._maps.values():
            each.close()
        self._loaded, self._maps = {}, {}

    def _unlink(self, name: tuple[bytes | int, ...]) -> None:
        for descriptor in self._links.pop(name, []):
            os.close(descriptor)
