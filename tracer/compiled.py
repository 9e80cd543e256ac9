# SPDX-License-Identifier: Apache-2.0
"""Compiled programs as bytes that outlive the process which compiled them.

They hold no descriptor and no address: an instruction that names a map holds the map's number.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Self

from tracer.bpf_map import MapShape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_INSTRUCTION: Final = struct.Struct("<BBhi")
_LOAD_WIDE: Final = 0x18
"""BPF_LD | BPF_IMM | BPF_DW, the one instruction of two slots."""
_MAP_BY_DESCRIPTOR: Final = 1
"""BPF_PSEUDO_MAP_FD, include/uapi/linux/bpf.h: the constant is the descriptor of a map."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """Maps and functions of one program text."""

    terms: str
    """The licence that the kernel is told."""
    maps: tuple[MapShape, ...]
    functions: dict[str, bytes]
    """Instructions by the function's name."""

    def to_bytes(self) -> bytes:
        """Give all of it, with a digest in front."""
        values = asdict(self) | {
            "functions": {
                name: base64.b64encode(code).decode() for name, code in self.functions.items()
            }
        }
        body = json.dumps(values, separators=(",", ":")).encode()
        return hashlib.sha256(body).hexdigest().encode() + b"\n" + body

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Give what `to_bytes` was called on; raise ValueError for anything else."""
        digest, _, body = data.partition(b"\n")
        if digest != hashlib.sha256(body).hexdigest().encode():
            raise ValueError("damaged")
        values = json.loads(body)
        return cls(
            values["terms"],
            tuple(MapShape(*shape) for shape in values["maps"]),
            {name: base64.b64decode(code) for name, code in values["functions"].items()},
        )


def with_maps(code: bytes, numbers: Mapping[int, int]) -> bytes:
    """Give instructions whose maps, known by the keys of `numbers`, are those of its values."""
    renamed = bytearray(code)
    for offset in _map_loads(code):
        opcode, registers, displacement, number = _INSTRUCTION.unpack_from(code, offset)
        _INSTRUCTION.pack_into(renamed, offset, opcode, registers, displacement, numbers[number])
    return bytes(renamed)


def _map_loads(code: bytes) -> Iterator[int]:
    # The second slot of a wide load has no opcode, so that it is never taken for another.
    for offset in range(0, len(code), _INSTRUCTION.size):
        opcode, registers, _, _ = _INSTRUCTION.unpack_from(code, offset)
        if opcode == _LOAD_WIDE and registers >> 4 == _MAP_BY_DESCRIPTOR:
            yield offset
