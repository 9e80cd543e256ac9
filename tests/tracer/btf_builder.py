# SPDX-License-Identifier: Apache-2.0
"""Builds BTF by hand, straight from include/uapi/linux/btf.h and not from the reader's tables."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Builder:
    """Collects types; each `add` gives the id of the new type."""

    def __init__(self) -> None:
        """Begin with no type but void."""
        self._types = bytearray()
        self._strings = bytearray(b"\0")
        self._count = 0

    def name(self, text: str) -> int:
        """Give the place of a string, adding it."""
        if not text:
            return 0
        at = len(self._strings)
        self._strings += text.encode() + b"\0"
        return at

    def add(  # noqa: PLR0913 - the members of struct btf_type
        self,
        kind: int,
        name: str = "",
        *,
        size_or_type: int = 0,
        vlen: int = 0,
        flag: bool = False,
        tail: bytes = b"",
    ) -> int:
        """Add a type with the raw bytes that follow its `struct btf_type`."""
        information = vlen | kind << 24 | flag << 31
        self._types += struct.pack("<III", self.name(name), information, size_or_type) + tail
        self._count += 1
        return self._count

    def integer(self, name: str, size: int = 4, *, bits: int | None = None, shift: int = 0) -> int:
        """Add BTF_KIND_INT of `size` bytes."""
        data = shift << 16 | (8 * size if bits is None else bits)
        return self.add(1, name, size_or_type=size, tail=struct.pack("<I", data))

    def structure(
        self,
        name: str,
        members: Sequence[tuple[str, int, int]],
        *,
        size: int = 64,
        flag: bool = False,
        union: bool = False,
    ) -> int:
        """Add a structure of members (name, type, place in bits)."""
        tail = b"".join(
            struct.pack("<III", self.name(member), type_id, place)
            for member, type_id, place in members
        )
        kind = 5 if union else 4
        return self.add(kind, name, size_or_type=size, vlen=len(members), flag=flag, tail=tail)

    def prototype(self, parameters: Sequence[int]) -> int:
        """Add BTF_KIND_FUNC_PROTO of parameters without names."""
        tail = b"".join(struct.pack("<II", 0, type_id) for type_id in parameters)
        return self.add(13, size_or_type=0, vlen=len(parameters), tail=tail)

    def build(self) -> bytes:
        """Give the whole file."""
        types, strings = bytes(self._types), bytes(self._strings)
        header = struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(strings))
        return header + types + strings


def one_of_each() -> Builder:
    """Give a builder with a type of every kind, whose last type is the structure `last`."""
    builder = Builder()
    number = builder.integer("int")
    builder.add(2, size_or_type=number)
    builder.add(3, tail=struct.pack("<III", number, number, 8))
    builder.structure("pair", [("first", number, 0), ("second", number, 32)], size=8)
    builder.structure("either", [("a", number, 0), ("b", number, 0)], size=4, union=True)
    tail = struct.pack("<IiIi", builder.name("RED"), 0, builder.name("BLUE"), -7)
    builder.add(6, "colour", size_or_type=4, vlen=2, flag=True, tail=tail)
    builder.add(7, "unknown_yet")
    builder.add(8, "number_t", size_or_type=number)
    builder.add(9, size_or_type=number)
    builder.add(10, size_or_type=number)
    builder.add(11, size_or_type=number)
    prototype = builder.prototype([number, number, number])
    builder.add(12, "do_it", size_or_type=prototype)
    builder.add(14, "variable", size_or_type=number, tail=struct.pack("<I", 1))
    builder.add(15, ".data", size_or_type=4, vlen=1, tail=struct.pack("<III", number, 0, 4))
    builder.add(16, "double", size_or_type=8)
    builder.add(17, "tag", size_or_type=number, tail=struct.pack("<i", -1))
    builder.add(18, "rcu", size_or_type=number)
    tail = struct.pack("<III", builder.name("HUGE"), 1, 0x80000000)
    builder.add(19, "wide", size_or_type=8, vlen=1, tail=tail)
    builder.structure("last", [("member", number, 64)], size=12)
    return builder
