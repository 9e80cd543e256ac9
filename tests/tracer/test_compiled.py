# SPDX-License-Identifier: Apache-2.0
"""tracer.compiled: nothing is lost in a file, nothing damaged is taken, and maps are renamed."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.bpf_map import MapShape
from tracer.compiled import Compiled, with_maps

WIDE = 0x18
MAP = 1
SHAPES = st.builds(
    MapShape,
    st.text(),
    *[st.integers(0, (1 << 32) - 1)] * 5,
    st.just("int"),
    st.sampled_from(["int", ["pair", [["a", "int"], ["b", "char", [3]]], "struct_packed"]]),
)
COMPILED = st.builds(
    Compiled,
    st.text(),
    st.lists(SHAPES, max_size=3).map(tuple),
    st.dictionaries(st.text(), st.binary()),
)


def wide(source: int, constant: int) -> bytes:
    """Give the instruction that loads a constant of 64 bits into r1, of two slots."""
    return struct.pack("<BBhi", WIDE, 1 | source << 4, 0, constant) + bytes(8)


@given(COMPILED)
def test_all_of_it_comes_back(compiled: Compiled) -> None:
    """What was kept is what is used."""
    assert Compiled.from_bytes(compiled.to_bytes()) == compiled


@given(COMPILED, st.data())
def test_a_changed_byte_is_noticed(compiled: Compiled, data: st.DataObject) -> None:
    """A disk that lies gives no program."""
    kept = bytearray(compiled.to_bytes())
    place = data.draw(st.integers(0, len(kept) - 1))
    kept[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ValueError, match="damaged"):
        Compiled.from_bytes(bytes(kept))


def test_only_maps_are_renamed() -> None:
    """A constant that looks like a descriptor stays, and so does what follows a wide load."""
    low_half = struct.pack("<BBhi", WIDE, 1 | MAP << 4, 0, 7)
    code = wide(0, 7) + wide(MAP, 7) + struct.pack("<BBhi", 0xB7, 1 | MAP << 4, 0, 7)
    renamed = with_maps(code, {7: 3})
    assert renamed == code.replace(low_half, struct.pack("<BBhi", WIDE, 1 | MAP << 4, 0, 3))
    assert renamed != code
