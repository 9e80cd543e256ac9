# SPDX-License-Identifier: Apache-2.0
"""As much of generic netlink as a listener needs: look a family up, ask, take messages apart.

Formats: include/uapi/linux/netlink.h and genetlink.h. Numbers are in the host's byte order.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NETLINK_GENERIC = 16
_NLM_F_REQUEST, _NLM_F_ACK = 1, 4
_NLMSG_ERROR, _NLMSG_MIN_TYPE = 2, 16
_CTRL_ID, _CTRL_CMD_GETFAMILY = 16, 3
_CTRL_ATTR_FAMILY_ID, _CTRL_ATTR_FAMILY_NAME = 1, 2
_NLA_TYPE_MASK = 0x3FFF

_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_GENERIC = struct.Struct("=BBH")  # struct genlmsghdr
_ATTRIBUTE = struct.Struct("=HH")  # struct nlattr
_ERROR = struct.Struct("=i")  # struct nlmsgerr, its first member
_ID = struct.Struct("=H")
_DATAGRAM_BYTES = 1 << 16
_TIMEOUT_S = 5.0


def opened() -> socket.socket:
    """Give a generic netlink socket with an address of its own; raise OSError."""
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC,
                           _NETLINK_GENERIC)  # fmt: skip
    opened.settimeout(_TIMEOUT_S)
    opened.bind((0, 0))
    return opened


def family_id(asked: socket.socket, name: bytes) -> int:
    """Give the number of a family, whose messages have it as their type; raise OSError."""
    answer = request(asked, _CTRL_ID, _CTRL_CMD_GETFAMILY, {_CTRL_ATTR_FAMILY_NAME: name + b"\0"})
    found = [dict(attributes(body)) for body in answer]
    ids = [one[_CTRL_ATTR_FAMILY_ID] for one in found if _CTRL_ATTR_FAMILY_ID in one]
    if not ids or len(ids[0]) < _ID.size:
        raise FileNotFoundError(2, os.strerror(2), name.decode())
    number: int = _ID.unpack_from(ids[0])[0]
    return number


def request(
    asked: socket.socket, family: int, command: int, values: Mapping[int, bytes]
) -> list[bytes]:
    """Send a command and wait until it is acknowledged; give the bodies that came before.

    Raise OSError with the kernel's errno when it refuses.
    """
    payload = b"".join(_attribute(kind, value) for kind, value in values.items())
    body = _GENERIC.pack(command, 1, 0) + payload
    flags = _NLM_F_REQUEST | _NLM_F_ACK
    asked.send(_HEADER.pack(_HEADER.size + len(body), family, flags, 1, 0) + body)
    answers: list[bytes] = []
    while True:
        for kind, content in _messages(asked.recv(_DATAGRAM_BYTES)):
            if kind == _NLMSG_ERROR:
                code = -_ERROR.unpack_from(content)[0]
                if code:
                    raise OSError(code, os.strerror(code))
                return answers
            answers.append(content[_GENERIC.size :])


def bodies(datagram: bytes) -> Iterator[bytes]:
    """Give the attributes, still packed, of each message of a family in a datagram."""
    for kind, content in _messages(datagram):
        if kind >= _NLMSG_MIN_TYPE:
            yield content[_GENERIC.size :]


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Give (type, value) of each attribute; one that reaches beyond the end is the last."""
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size or at + length > len(data):
            return
        yield kind & _NLA_TYPE_MASK, data[at + _ATTRIBUTE.size : at + length]
        at += _aligned(length)


def _attribute(kind: int, value: bytes) -> bytes:
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(_aligned(length) - length)


def _messages(datagram: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _HEADER.size <= len(datagram):
        length, kind, *_ = _HEADER.unpack_from(datagram, at)
        if length < _HEADER.size or at + length > len(datagram):
            return
        yield kind, datagram[at + _HEADER.size : at + length]
        at += _aligned(length)


def _aligned(length: int) -> int:
    return -(-length // 4) * 4
