# SPDX-License-Identifier: Apache-2.0
"""Answers questions about the running kernel's types from its BTF.

The BPF programs read kernel structures by offset, and the offsets are those of the running
kernel, so that one program text runs on every kernel and no kernel headers are needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from tracer.btf_format import KIND_FLAG, BtfError, Kind, malformed, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNNING_KERNEL = Path("/sys/kernel/btf/vmlinux")
"""Where the running kernel shows its BTF (needs CONFIG_DEBUG_INFO_BTF)."""

_TRANSPARENT = (Kind.VOLATILE, Kind.CONST, Kind.RESTRICT, Kind.TYPE_TAG)
_TAGS: dict[int, str] = {
    Kind.STRUCT: "struct ",
    Kind.UNION: "union ",
    Kind.ENUM: "enum ",
    Kind.ENUM64: "enum ",
}
_DEEPEST = 64
"""No type of a real kernel nests deeper; a loop in damaged input does."""


class BtfLookupError(BtfError, LookupError):
    """A structure, member, enumeration or function that this kernel does not have."""


class BitPosition(NamedTuple):
    """Where a bit-field is: from bit `bit` of byte `byte` upwards, `width` bits."""

    byte: int
    bit: int
    width: int


class _Member(NamedTuple):
    bits: int
    width: int


class Btf:
    """The types of one kernel. Type ids are those of the BTF, 0 is void."""

    def __init__(self, data: bytes) -> None:
        """Index `data`, the content of a BTF file; raise BtfError when it is damaged."""
        self._words, self._strings, self._positions, self._kinds, self._names = parse(data)
        self._ids_of: dict[str, list[int]] = {}
        self._members_of: dict[str, dict[str, _Member]] = {}

    @classmethod
    def running(cls, path: Path = RUNNING_KERNEL) -> Self:
        """Give the types of the running kernel; raise BtfError when it does not show them."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BtfError(
                "cannot read the kernel's type information (BTF)",
                f"{path}: {error.strerror}",
                "run a kernel built with CONFIG_DEBUG_INFO_BTF=y (all current distributions' are)",
            ) from error
        return cls(data)

    def offset(self, struct: str, member: str) -> int:
        """Give the offset of `member` in bytes, also when it is within anonymous members.

        Raise BtfLookupError when there is no such structure or member, or it is a bit-field.
        """
        found = self._member(struct, member)
        if found.width or found.bits % 8:
            raise BtfLookupError(
                f"struct {struct}: {member} has no byte offset",
                "it is a bit-field in this kernel",
                "report this kernel's version to the authors of proctrace",
            )
        return found.bits // 8

    def bit_position(self, struct: str, member: str) -> BitPosition:
        """Give the place of a bit-field (width 0: an ordinary member); errors as `offset`."""
        found = self._member(struct, member)
        return BitPosition(found.bits // 8, found.bits % 8, found.width)

    def has(self, struct: str, member: str) -> bool:
        """Tell whether this kernel has the struct, and the member in it."""
        ids = self._ids(struct, (Kind.STRUCT, Kind.UNION))
        return bool(ids) and member in self._members(struct, ids[0])

    def struct_size(self, struct: str) -> int:
        """Give the size of a structure or union in bytes."""
        return self._word(self._structure(struct), 2)

    def enum_value(self, enumeration: str, name: str) -> int:
        """Give the value of one name of an enumeration; raise BtfLookupError without it."""
        for type_id in self._ids(enumeration, (Kind.ENUM, Kind.ENUM64)):
            for enumerator, value in self._enumerators(type_id):
                if enumerator == name:
                    return value
        raise _absent(f"enum {enumeration}: {name}")

    def percpu_offset(self, variable: str) -> int | None:
        """Give where a per-CPU variable lies in its section, in bytes; None without it.

        pahole describes that section, and no other, as a BTF_KIND_DATASEC.
        """
        variables = self._ids(variable, (Kind.VAR,))
        for section in self._ids(".data..percpu", (Kind.DATASEC,)):
            start = int(self._positions[section]) + 3
            words = self._words[start : start + 3 * self._length(section)].reshape(-1, 3)
            found = words[np.isin(words[:, 0], variables), 1]
            if len(found):
                return int(found[0])
        return None

    def function_exists(self, name: str) -> bool:
        """Tell whether the kernel has a function of that name that hooks may attach to."""
        return self.type_id(Kind.FUNC, name) is not None

    def type_id(self, kind: int, name: str) -> int | None:
        """Give the id of the first type of that kind and name, or None."""
        return next(iter(self._ids(name, (kind,))), None)

    def tracepoint_arguments(self, tracepoint: str) -> tuple[str, ...] | None:
        """Give the C types of a raw tracepoint's arguments, without const, or None.

        include/trace/bpf_probe.h: `typedef void (*btf_trace_NAME)(void *__data, PROTO)`;
        `__data` is not an argument of the BPF program and is left out.
        """
        typedef = self.type_id(Kind.TYPEDEF, f"btf_trace_{tracepoint}")
        if typedef is None:
            return None
        prototype = self._target(self._target(typedef))
        if self._kind(prototype) != Kind.FUNC_PROTO:
            raise malformed(f"btf_trace_{tracepoint} is no pointer to a function")
        count = self._length(prototype)
        return tuple(self._spell(self._word(prototype, 4 + 2 * i)) for i in range(1, count))

    def _ids(self, name: str, kinds: tuple[int, ...]) -> list[int]:
        return [type_id for type_id in self._named(name) if self._kinds[type_id] in kinds]

    def _named(self, name: str) -> list[int]:
        """Give the ids of all types of a name; finding it in all strings takes a millisecond."""
        ids = self._ids_of.get(name)
        if ids is None:
            ids = self._ids_of[name] = []
            wanted = b"\0" + name.encode() + b"\0"
            at = self._strings.find(wanted)
            while at >= 0:
                ids += np.flatnonzero(self._names == at + 1).tolist()
                at = self._strings.find(wanted, at + 1)
        return ids

    def _structure(self, name: str) -> int:
        ids = self._ids(name, (Kind.STRUCT, Kind.UNION))
        if not ids:
            raise _absent(f"struct {name}")
        return ids[0]

    def _member(self, structure: str, member: str) -> _Member:
        members = self._members_of.get(structure)
        if members is None:
            members = self._members(structure, self._structure(structure))
        if member not in members:
            raise _absent(f"struct {structure}: {member}")
        return members[member]

    def _members(self, structure: str, type_id: int) -> dict[str, _Member]:
        members = self._members_of.get(structure)
        if members is None:
            members = {}
            for name, member in self._walk(type_id, 0, 0):
                members.setdefault(name, member)
            self._members_of[structure] = members
        return members

    def _walk(self, type_id: int, base: int, depth: int) -> Iterator[tuple[str, _Member]]:
        if depth > _DEEPEST:
            raise malformed("its structures contain themselves")
        has_widths = self._word(type_id, 1) & KIND_FLAG
        start = int(self._positions[type_id]) + 3
        words = self._words[start : start + 3 * self._length(type_id)].tolist()
        for name, member_type, place in zip(words[::3], words[1::3], words[2::3], strict=True):
            width = place >> 24 if has_widths else 0
            bits = base + (place & 0xFFFFFF if has_widths else place)
            if name:
                if not has_widths:
                    bits, width = self._old_bit_field(member_type, bits)
                yield self._string(name), _Member(bits, width)
            else:
                inner = self._plain(member_type)
                if self._kind(inner) in (Kind.STRUCT, Kind.UNION):
                    yield from self._walk(inner, bits, depth + 1)

    def _old_bit_field(self, type_id: int, bits: int) -> tuple[int, int]:
        # Without kind_flag the width of a bit-field is in its INT type.
        plain = self._plain(type_id)
        if self._kind(plain) != Kind.INT:
            return bits, 0
        data = self._word(plain, 3)
        width, size_bits = data & 0xFF, 8 * self._word(plain, 2)
        return bits + ((data >> 16) & 0xFF), width if width != size_bits else 0

    def _enumerators(self, type_id: int) -> Iterator[tuple[str, int]]:
        signed = self._word(type_id, 1) & KIND_FLAG
        wide = self._kind(type_id) == Kind.ENUM64
        for index in range(self._length(type_id)):
            at = 3 + index * (3 if wide else 2)
            value = self._word(type_id, at + 1)
            value |= self._word(type_id, at + 2) << 32 if wide else 0
            size_bits = 64 if wide else 32
            if signed and value >> (size_bits - 1):
                value -= 1 << size_bits
            yield self._string(self._word(type_id, at)), value

    def _plain(self, type_id: int) -> int:
        for _ in range(_DEEPEST):
            if self._kind(type_id) not in (*_TRANSPARENT, Kind.TYPEDEF):
                return type_id
            type_id = self._target(type_id)
        raise malformed("its types refer to themselves")

    def _spell(self, type_id: int, depth: int = 0) -> str:
        if depth > _DEEPEST:
            raise malformed("its types refer to themselves")
        kind = self._kind(type_id)
        if kind == Kind.PTR:
            target = self._spell(self._target(type_id), depth + 1)
            return target + ("*" if target.endswith("*") else " *")
        if kind in _TRANSPARENT:
            return self._spell(self._target(type_id), depth + 1)
        if kind == Kind.FUNC_PROTO:
            return "function"
        if kind == Kind.FWD:
            tag = "union " if self._word(type_id, 1) & KIND_FLAG else "struct "
        else:
            tag = _TAGS.get(kind, "")
        return tag + self._string(self._word(type_id, 0)) if kind else "void"

    def _target(self, type_id: int) -> int:
        return self._word(type_id, 2)

    def _kind(self, type_id: int) -> int:
        if type_id >= len(self._kinds):
            raise malformed(f"type {type_id} is referred to but not there")
        return int(self._kinds[type_id])

    def _length(self, type_id: int) -> int:
        return self._word(type_id, 1) & 0xFFFF

    def _word(self, type_id: int, index: int) -> int:
        if not self._kind(type_id):
            raise malformed("void is used where a type is needed")
        return int(self._words[int(self._positions[type_id]) + index])

    def _string(self, offset: int) -> str:
        if offset >= len(self._strings):
            raise malformed("a name lies outside the file")
        return self._strings[offset : self._strings.index(b"\0", offset)].decode(errors="replace")


def _absent(what: str) -> BtfLookupError:
    return BtfLookupError(
        f"{what}: not in this kernel",
        "the running kernel's type information does not have it",
        "report this kernel's version to the authors of proctrace",
    )
