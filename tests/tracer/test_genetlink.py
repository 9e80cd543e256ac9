# SPDX-License-Identifier: Apache-2.0
"""Messages of generic netlink, taken apart; and the kernel's own answers."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer import genetlink

FAMILY = 24


def attribute(kind: int, value: bytes) -> bytes:
    """Pack a struct nlattr as the kernel does."""
    length = 4 + len(value)
    return struct.pack("=HH", length, kind) + value + bytes(-length % 4)


def message(*attributes: bytes, kind: int = FAMILY) -> bytes:
    """Pack a message of a family."""
    body = struct.pack("=BBH", 2, 1, 0) + b"".join(attributes)
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def test_a_datagram_of_two_messages() -> None:
    """Each is taken apart, nested attributes and odd lengths too."""
    nested = attribute(1, b"\7\0\0\0") + attribute(0x8003, b"abc")
    datagram = message(attribute(4, nested)) + message(attribute(9, b""))
    first, second = genetlink.bodies(datagram)
    [(kind, inner)] = genetlink.attributes(first)
    assert kind == 4
    assert list(genetlink.attributes(inner)) == [(1, b"\7\0\0\0"), (3, b"abc")]
    assert list(genetlink.attributes(second)) == [(9, b"")]


def test_messages_that_are_not_of_a_family() -> None:
    """Errors and ends are left out."""
    assert list(genetlink.bodies(message(attribute(1, b"x"), kind=2))) == []


@given(st.binary(max_size=200), st.integers(0, 40))
def test_any_bytes(data: bytes, cut: int) -> None:
    """Whatever comes, what is given lies within it."""
    whole = message(attribute(4, data))
    for body in [*genetlink.bodies(whole[:cut] + data), *genetlink.bodies(data)]:
        assert sum(len(value) for _, value in genetlink.attributes(body)) <= len(whole) + len(data)


def test_the_kernel_answers() -> None:
    """The family that describes families is always there; another is not."""
    try:
        asked = genetlink.opened()
    except OSError as error:
        pytest.skip(f"no generic netlink here: {error}")
    with asked:
        assert genetlink.family_id(asked, b"nlctrl") == 16
        with pytest.raises(FileNotFoundError):
            genetlink.family_id(asked, b"no_such_family")
        assert asked.family == socket.AF_NETLINK
