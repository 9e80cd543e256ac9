# SPDX-License-Identifier: Apache-2.0
"""What the kernel itself says of pages: /proc/PID/pagemap, /proc/kpagecount, /proc/kpageflags."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGE_BYTES: Final = 4096
_PRESENT, _PFN = 1 << 63, (1 << 55) - 1
_KPF_ANON, _KPF_THP = 1 << 12, 1 << 22
"""Of /proc/kpageflags: include/uapi/linux/kernel-page-flags.h."""


@dataclass(frozen=True)
class Page:
    """A present page of a process."""

    frame: int
    mappings: int
    """How many page-table entries of all processes map the frame: /proc/kpagecount."""
    anonymous: bool
    """Whether it is a private page (KPF_ANON), and not one of a file, of zeros or of the vdso."""
    huge: bool


def pages_of(pid: int) -> dict[int, Page]:
    """Give the present pages of a process that does not run meanwhile, by address."""
    frames: dict[int, int] = {}
    with Path(f"/proc/{pid}/pagemap").open("rb", buffering=0) as pagemap:
        for low, high in _mappings(pid):
            count = (high - low) // PAGE_BYTES
            pagemap.seek(low // PAGE_BYTES * 8)
            entries = struct.unpack(f"{count}Q", pagemap.read(count * 8))
            for at, entry in enumerate(entries):
                if entry & _PRESENT:
                    frames[low + at * PAGE_BYTES] = entry & _PFN
    mappings = _by_frame("/proc/kpagecount", frames)
    flags = _by_frame("/proc/kpageflags", frames)
    return {
        address: Page(
            frame, mappings[frame], bool(flags[frame] & _KPF_ANON), bool(flags[frame] & _KPF_THP)
        )
        for address, frame in frames.items()
    }


def _mappings(pid: int) -> list[tuple[int, int]]:
    maps = Path(f"/proc/{pid}/maps").read_text()
    found = re.finditer(r"^([0-9a-f]+)-([0-9a-f]+) ", maps, re.MULTILINE)
    ranges = [(int(one[1], 16), int(one[2], 16)) for one in found]
    return [(low, high) for low, high in ranges if high < 1 << 63]


def _by_frame(path: str, frames: dict[int, int]) -> dict[int, int]:
    """Give the word that a file has for each frame."""
    found = {}
    with Path(path).open("rb", buffering=0) as words:
        for frame in frames.values():
            words.seek(frame * 8)
            found[frame] = int.from_bytes(words.read(8), "little")
    return found
