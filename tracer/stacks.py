# SPDX-License-Identifier: Apache-2.0
"""User stacks of faults: each different one once, read from their map as a recording ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tracer.bcc_seam import Table
    from tracer.modules import ModuleCatalogue
    from traces.writer import TraceWriter


def write_stacks(writer: TraceWriter, table: Table, catalogue: ModuleCatalogue | None) -> None:
    """Write table stack_frame from the map `stacks`; `catalogue` notes its instructions.

    A frame's address is where its callee returns to, except that of the innermost one.
    """
    numbers, frames = [], []
    for key, leaf in table.items():
        ips = np.array(leaf.ip, np.uint64)
        ends = np.flatnonzero(ips == 0)
        frames.append(ips[: ends[0]] if len(ends) else ips)
        numbers.append(key.value)
    counts = [len(ips) for ips in frames]
    if not sum(counts):
        return
    ip = np.concatenate(frames)
    depth = np.concatenate([np.arange(count) for count in counts]).astype(np.uint16)
    stack = np.repeat(np.array(numbers, np.int32), counts)
    writer.rows("stack_frame", {"stack": stack, "depth": depth, "ip": ip})
    if catalogue is not None:
        # A call may be the last instruction of its function: its return address is outside.
        catalogue.note_instructions(np.where(depth > 0, ip - np.uint64(1), ip))
