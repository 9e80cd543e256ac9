# SPDX-License-Identifier: Apache-2.0
"""A file read with bounds, whatever lengths and offsets its own bytes claim."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

AT_ONCE_BYTES = 1 << 27
"""No more is read at once: 5 million symbols. A sparse file may claim any size."""
_PIECE_BYTES = 1 << 16
_PIECES = 1 << 16


class BoundedFile(io.RawIOBase):
    """A binary file as far as a parser needs one that trusts what it reads.

    `read` gives at most 64 KiB, and raises ValueError when it was called 65,536 times, which
    headers of a real file never need. The file stays the caller's to close.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._pieces = _PIECES
        self.size = file.seek(0, io.SEEK_END)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to an offset; one beyond the end is taken as the end."""
        if whence == io.SEEK_SET:
            return self._file.seek(min(offset, self.size))
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Give the offset."""
        return self._file.tell()

    def read(self, count: int = -1, /) -> bytes:
        """Read on; less than `count` bytes at the end of the file and above 64 KiB."""
        self._pieces -= 1
        if self._pieces < 0:
            message = "its headers have no end"
            raise ValueError(message)
        return self._file.read(_PIECE_BYTES if count < 0 else min(count, _PIECE_BYTES))

    def at(self, offset: int, count: int) -> bytes:
        """Read at an offset; less than `count` bytes at the end and above `AT_ONCE_BYTES`."""
        if offset >= self.size:
            return b""
        self._file.seek(offset)
        return self._file.read(min(count, self.size - offset, AT_ONCE_BYTES))

    def string(self, offset: int, most: int) -> bytes:
        """Read a NUL-terminated string at an offset, cut after `most` bytes."""
        short = self.at(offset, min(most, 128)).partition(b"\0")
        if short[1] or len(short[0]) < 128 or most <= 128:
            return short[0]
        return self.at(offset, most).partition(b"\0")[0]
