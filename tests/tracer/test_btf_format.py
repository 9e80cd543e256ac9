# SPDX-License-Identifier: Apache-2.0
"""tracer.btf_format: the layout of BTF, whole and damaged."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tracer.btf_builder import Builder, one_of_each
from tracer.btf import Btf
from tracer.btf_format import BtfError, Kind, parse

WHOLE = one_of_each().build()


def test_finds_a_type_of_every_kind() -> None:
    """Records of every kind have their length, so the chain ends on the last type."""
    types = parse(WHOLE)
    assert sorted(types.kinds.tolist()) == sorted([0, *Kind, Kind.STRUCT])
    assert Btf(WHOLE).offset("last", "member") == 8


def test_no_type_at_all() -> None:
    """BTF may be empty."""
    assert parse(Builder().build()).kinds.tolist() == [0]


def header(**changed: int) -> bytes:
    """Give WHOLE with members of its header replaced."""
    names = ("magic", "version", "flags", "length", "type_at", "type_size", "at", "size")
    values = dict(zip(names, struct.unpack_from("<HBBIIIII", WHOLE), strict=True)) | changed
    return struct.pack("<HBBIIIII", *values.values()) + WHOLE[24:]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "0 bytes"),
        (WHOLE[:23], "23 bytes"),
        (header(magic=0x9FEB), "begins with"),
        (header(version=2), "begins with"),
        (header(length=20), "outside the file"),
        (header(type_size=len(WHOLE)), "outside the file"),
        (header(type_size=30), "outside the file"),
        (header(size=2**32 - 1), "outside the file"),
        (header(size=0), "not terminated"),
        (WHOLE[:-1] + b"x", "not terminated"),
        (header(type_size=20), "cut off"),
    ],
)
def test_damage_is_named(data: bytes, why: str) -> None:
    """Each kind of damage gives the typed error with its own reason."""
    with pytest.raises(BtfError) as caught:
        parse(data)
    assert why in caught.value.why


def test_kinds_from_the_future_are_refused() -> None:
    """The length of a record of unknown kind is unknown, so nothing after it can be read."""
    builder = Builder()
    builder.add(20, "novelty")
    with pytest.raises(BtfError) as caught:
        parse(builder.build())
    assert "unknown kind 20" in caught.value.why


def test_void_has_no_record() -> None:
    """A record of kind 0 is damage: void is not in the file."""
    builder = Builder()
    builder.add(0)
    with pytest.raises(BtfError) as caught:
        parse(builder.build())
    assert "kind 0" in caught.value.why


@given(st.data())
def test_any_damage_gives_types_or_the_typed_error(data: st.DataObject) -> None:
    """Whatever bytes are changed or cut, no other exception comes out of reading or asking."""
    damaged = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    damaged = damaged[: data.draw(st.integers(len(damaged) - 8, len(damaged)))]
    try:
        types = Btf(bytes(damaged))
        types.has("pair", "second")
        types.offset("last", "member")
        types.enum_value("colour", "BLUE")
        types.tracepoint_arguments("event")
    except BtfError:
        pass
