# SPDX-License-Identifier: Apache-2.0
"""Maps of BPF programs by bpf(2) alone: what `tracer.bcc_seam.Table` promises, without bcc.

A map is told by its shape, which is kept with the compiled programs. Keys and values are ctypes
instances; their types are described as bcc describes them, in JSON.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tracer import bpf_syscall

if TYPE_CHECKING:
    from collections.abc import Iterator

POSSIBLE_CPUS: Final = Path("/sys/devices/system/cpu/possible")
_PER_CPU: Final = (5, 6)
"""BPF_MAP_TYPE_PERCPU_HASH and _PERCPU_ARRAY, include/uapi/linux/bpf.h."""
_PER_CPU_ALIGNMENT: Final = 8
"""bpf_percpu_array_copy(), kernel/bpf/arraymap.c: each CPU's value takes round_up(size, 8)."""
_PLAIN: Final[dict[str, Any]] = {
    "_Bool": ctypes.c_bool, "char": ctypes.c_char, "signed char": ctypes.c_byte,
    "unsigned char": ctypes.c_ubyte, "short": ctypes.c_short, "unsigned short": ctypes.c_ushort,
    "int": ctypes.c_int, "unsigned int": ctypes.c_uint, "long": ctypes.c_long,
    "unsigned long": ctypes.c_ulong, "long long": ctypes.c_longlong,
    "unsigned long long": ctypes.c_ulonglong,
}  # fmt: skip


class MapShape(NamedTuple):
    """What the kernel is told of a map, and the types of its keys and values as bcc tells them."""

    name: str
    kind: int
    """One of enum bpf_map_type."""
    key_bytes: int
    value_bytes: int
    entries: int
    flags: int
    key_type: Any
    value_type: Any


def ctypes_of(described: Any) -> Any:  # noqa: ANN401 - JSON in, a ctypes type out
    """Give the ctypes type of a C type that bcc describes; raise ValueError for one unknown.

    It is a name, or `[name, members, kind]`; a member is `[name, type]`, `[name, type, [length]]`,
    or a structure itself. All padding is spelled out.
    """
    if isinstance(described, str):
        if described not in _PLAIN:
            raise ValueError(described)
        return _PLAIN[described]
    name, members, *kind = described
    base = ctypes.Union if kind == ["union"] else ctypes.Structure
    fields = [_field(member) for member in members]
    # Python 3.14 wants to be told that a packed structure lies as compilers for Windows have it.
    return type(name, (base,), {"_pack_": 1, "_layout_": "ms", "_fields_": fields})


def _field(member: list[Any]) -> tuple[str, Any]:
    name, kind, *more = member
    if not more:
        return name, ctypes_of(kind)
    if isinstance(more[0], list):
        return name, ctypes_of(kind) * more[0][0]
    if isinstance(more[0], str) and name:
        return name, ctypes_of(member)
    raise ValueError(member)


class BpfMap:
    """One map in the kernel; raises OSError where the kernel refuses."""

    def __init__(self, shape: MapShape) -> None:
        """Create it, as big as `shape` says."""
        self._shape = shape
        self.map_fd = _create(shape)

    @cached_property
    def Key(self) -> Any:  # noqa: ANN401, N802 - bcc's name for it
        """The ctypes type of its keys."""
        return ctypes_of(self._shape.key_type)

    @cached_property
    def Leaf(self) -> Any:  # noqa: ANN401, N802 - bcc's name for it
        """The ctypes type of its values."""
        return ctypes_of(self._shape.value_type)

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401
        """Give the value of `key`, a list by CPU where each has its own; KeyError without one."""
        each = self._shape.value_bytes
        stride = -(-each // _PER_CPU_ALIGNMENT) * _PER_CPU_ALIGNMENT
        per_cpu = self._shape.kind in _PER_CPU
        count = len(cpu_numbers(POSSIBLE_CPUS)) if per_cpu else 1
        value = (ctypes.c_char * (stride * count))()
        self._call(bpf_syscall.MAP_LOOKUP, key, value)
        values = [self.Leaf.from_buffer_copy(value, stride * index) for index in range(count)]
        return values if per_cpu else values[0]

    def __setitem__(self, key: Any, value: Any) -> None:  # noqa: ANN401
        """Store a value."""
        self._call(bpf_syscall.MAP_UPDATE, key, value)

    def __delitem__(self, key: Any) -> None:  # noqa: ANN401
        """Remove a key; KeyError without it."""
        self._call(bpf_syscall.MAP_DELETE, key)

    def __iter__(self) -> Iterator[Any]:
        """Give the keys; a map that others change meanwhile may give one twice."""
        key = None
        while True:
            after = self.Key()
            try:
                self._call(bpf_syscall.MAP_NEXT_KEY, key, after)
            except KeyError:
                return
            yield after
            key = after

    def items(self) -> Iterator[tuple[Any, Any]]:
        """Give all pairs of key and value, without what vanishes meanwhile."""
        for key in self:
            try:
                value = self[key]
            except KeyError:
                continue
            yield key, value

    def close(self) -> None:
        """Give it up; the kernel frees it when no program uses it."""
        os.close(self.map_fd)

    def _call(self, command: int, key: Any, value: Any = None) -> None:  # noqa: ANN401
        try:
            bpf_syscall.map_element(command, self.map_fd, key, value)
        except OSError as error:
            if error.errno == errno.ENOENT:
                raise KeyError(key) from error
            raise


def cpu_numbers(file: Path) -> list[int]:
    """Give the CPUs of a list that the kernel shows, such as `0-3,8`."""
    ranges = [part.partition("-") for part in file.read_text().strip().split(",")]
    return [
        number for first, _, last in ranges for number in range(int(first), int(last or first) + 1)
    ]


def _create(shape: MapShape) -> int:
    arguments = shape.kind, shape.key_bytes, shape.value_bytes, shape.entries, shape.flags
    try:
        return bpf_syscall.create_map(*arguments, name=shape.name)
    except PermissionError:
        # Before Linux 5.11 maps count for RLIMIT_MEMLOCK; bcc lifts it as well.
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY,) * 2)
        return bpf_syscall.create_map(*arguments, name=shape.name)
