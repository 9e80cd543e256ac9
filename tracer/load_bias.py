# SPDX-License-Identifier: Apache-2.0
"""Where an ELF file lies in memory: its load bias, the difference to where it was linked.

Every way of finding it gives candidates: one too many only adds symbols that nothing falls into.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tracer.elf_headers import ADDRESS_MAX, ET_EXEC
from tracer.ranges import sorted_unique

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.elf_headers import Segment
    from tracer.ranges import Addresses

_PAGE = 4096
_PF_X = 1
_AT_NULL, _AT_BASE = 0, 7


def linked_range(segments: Sequence[Segment]) -> tuple[int, int]:
    """Give the lowest and the highest address that the segments are linked for; (0, 0) for none."""
    ends = [segment.vaddr + segment.mem_bytes for segment in segments]
    return min((segment.vaddr for segment in segments), default=0), max(ends, default=0)


def of_executions(elf_type: int, segments: Sequence[Segment], end_codes: Addresses) -> Addresses:
    """Give the biases of an executable from mm->end_code of each execution.

    load_elf_binary(), fs/binfmt_elf.c: end_code is the highest end in the file of an executable
    segment, plus the bias. (Older kernels count every segment for start_code, newer ones do not.)
    """
    if elf_type == ET_EXEC:
        return np.zeros(min(len(end_codes), 1), np.uint64)
    ends = [segment.vaddr + segment.file_bytes for segment in segments if segment.flags & _PF_X]
    if not ends:
        return np.empty(0, np.uint64)
    return _plausible(end_codes, max(ends), 0)


def of_mappings(
    elf_type: int, segments: Sequence[Segment], addresses: Addresses, offsets: Addresses
) -> Addresses:
    """Give the biases of a file from where mmap put which of its offsets, as a loader does it.

    A loader maps from the page that a segment begins in; parts of a segment are mapped, too, by
    what is no loader.
    """
    if elf_type == ET_EXEC:
        return np.zeros(min(len(addresses), 1), np.uint64)
    found = [np.empty(0, np.uint64)]
    for segment in segments:
        begin = segment.offset & -_PAGE
        inside = (offsets >= np.uint64(begin)) & (offsets < segment.offset + segment.file_bytes)
        # address - offset is where the file would begin; the segment's own shift is added to it.
        shifted = addresses[inside] + np.uint64(segment.offset)
        found.append(_plausible(shifted, segment.vaddr, offsets[inside]))
    return sorted_unique(np.concatenate(found))


def _plausible(addresses: Addresses, *linked: int | Addresses) -> Addresses:
    """Give the differences that are whole pages of user space, each once."""
    biases: Addresses = addresses.astype(np.uint64)
    for part in linked:
        biases -= np.asarray(part, np.uint64)
    kept = (biases < np.uint64(ADDRESS_MAX)) & (biases % np.uint64(_PAGE) == 0)
    return sorted_unique(biases[kept])


def interpreter_base(vector: bytes) -> int:
    """Give AT_BASE of an auxiliary vector, the bias of the ELF interpreter; 0 for none.

    create_elf_tables(), fs/binfmt_elf.c, writes pairs of words; those of a 32-bit image are of
    32 bits, which shows as types that would not fit into them.
    """
    words = np.frombuffer(vector[: len(vector) & ~15], "<u8")
    if len(words) and words[0] >> np.uint64(32):
        words = np.frombuffer(vector[: len(vector) & ~7], "<u4")
    for kind, value in zip(words[::2].tolist(), words[1::2].tolist(), strict=True):
        if kind in (_AT_NULL, _AT_BASE):
            return value if kind == _AT_BASE else 0
    return 0
