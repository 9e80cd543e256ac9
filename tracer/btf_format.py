# SPDX-License-Identifier: Apache-2.0
"""The layout of BTF (include/uapi/linux/btf.h): where each type begins in the file's bytes."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from traces.errors import ProctraceError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Kind(IntEnum):
    """The kinds of type, up to Linux 6.18."""

    INT = 1
    PTR = 2
    ARRAY = 3
    STRUCT = 4
    UNION = 5
    ENUM = 6
    FWD = 7
    TYPEDEF = 8
    VOLATILE = 9
    CONST = 10
    RESTRICT = 11
    FUNC = 12
    FUNC_PROTO = 13
    VAR = 14
    DATASEC = 15
    FLOAT = 16
    DECL_TAG = 17
    TYPE_TAG = 18
    ENUM64 = 19


KIND_FLAG = 0x80000000
"""In a type's second word: it has bit-fields (structure), is signed (enumeration), is a union."""

_MAGIC = 0xEB9F
_HEADER = struct.Struct("<HBBIIIII")
_VERSION = 1

# Words of a record: `_FIXED` always, and `_EACH` for each of its `vlen` elements.
_FIXED = np.full(32, 3, dtype=np.int32)
_FIXED[[Kind.INT, Kind.VAR, Kind.DECL_TAG]] = 4
_FIXED[Kind.ARRAY] = 6
_EACH = np.zeros(32, dtype=np.int32)
_EACH[[Kind.STRUCT, Kind.UNION, Kind.DATASEC, Kind.ENUM64]] = 3
_EACH[[Kind.ENUM, Kind.FUNC_PROTO]] = 2


class BtfError(ProctraceError):
    """The kernel's type information cannot be read, or lacks what is asked for."""


class Types(NamedTuple):
    """All types by id: where each begins in `words`, its kind, its name's place in `strings`.

    Type 0 is void, of kind 0; its position and name mean nothing.
    """

    words: NDArray[np.uint32]
    strings: bytes
    positions: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    names: NDArray[np.uint32]


def malformed(why: str) -> BtfError:
    """Give the error for BTF that contradicts its own format."""
    return BtfError(
        "cannot read the kernel's type information (BTF)",
        why,
        "check that /sys/kernel/btf/vmlinux is the running kernel's own file",
    )


def parse(data: bytes) -> Types:
    """Find all types in a BTF file; raise BtfError when it is damaged or of another version."""
    words, strings = _sections(data)
    positions = _positions(words)
    # Void has no record: a word of zeros stands for it while the arrays are taken.
    padded = np.append(words, np.zeros(3, dtype=np.uint32))
    positions[0] = len(words)
    kinds = ((padded[positions + 1] >> 24) & 0x1F).astype(np.uint8)
    types = Types(words, strings, positions, kinds, padded[positions])
    if int(kinds[1:].min(initial=Kind.INT)) < Kind.INT:
        raise malformed("it has a type of kind 0")
    if int(kinds.max()) > Kind.ENUM64:
        raise malformed(f"it has a type of unknown kind {int(kinds.max())}")
    if int(types.names.max()) >= len(strings):
        raise malformed("the name of a type lies outside the file")
    return types


def _sections(data: bytes) -> tuple[NDArray[np.uint32], bytes]:
    """Give the type section in words of 32 bits and the string section."""
    if len(data) < _HEADER.size:
        raise malformed(f"it has {len(data)} bytes, fewer than its header")
    magic, version, _, length, *sections = _HEADER.unpack_from(data)
    if magic != _MAGIC or version != _VERSION:
        raise malformed(f"it begins with {data[:3].hex()}, not with BTF version {_VERSION}")
    type_at, type_size, string_at, string_size = sections
    type_at, string_at = type_at + length, string_at + length
    end = max(type_at + type_size, string_at + string_size)
    if length < _HEADER.size or type_size % 4 or end > len(data):
        raise malformed("its header describes sections outside the file")
    strings = data[string_at : string_at + string_size]
    if not strings.startswith(b"\0") or not strings.endswith(b"\0"):
        raise malformed("its strings are not terminated")
    return np.frombuffer(data, "<u4", type_size // 4, type_at), strings


def _positions(words: NDArray[np.uint32]) -> NDArray[np.int32]:
    """Give the word at which each type begins, by id; id 0, void, has a place holder.

    What the next position would be is computed for every word at once, as though a record
    began there; following the chain is then all that is left to do one by one.
    """
    count = len(words)
    information = np.append(words[1:], np.uint32(0)) if count else words
    kinds = ((information >> 24) & 0x1F).astype(np.intp)
    lengths = (information & 0xFFFF).astype(np.int32)
    following = np.arange(count, dtype=np.int32) + _FIXED[kinds] + _EACH[kinds] * lengths
    follow = following.data
    positions, position = [0], 0
    while position < count:
        positions.append(position)
        position = follow[position]
    if position != count:
        raise malformed("its last type is cut off")
    return np.array(positions, dtype=np.int32)
