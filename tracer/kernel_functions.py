# SPDX-License-Identifier: Apache-2.0
"""The kernel's functions that recorded call sites are in, from /proc/kallsyms.

The file is long and takes the kernel 60 ms to write, so it is read once, when a recording ends,
and only if there was a step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tracer.few_rows import write_few_rows
from tracer.host import PROC

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from traces.writer import TraceWriter

_TEXT = b"tTwW"
_ADDRESS_DIGITS = 16
_BYTES_MAX = (1 << 32) - 1


class KernelSites:
    """Notes the call sites of steps while recording, and writes their functions when it ends."""

    def __init__(self, proc: Path = PROC) -> None:
        self._proc = proc
        self._sites: set[int] = set()

    def note_columns(self, table: str, columns: dict[str, NDArray[Any]]) -> None:
        """Note the rows of a table; only steps have sites."""
        if table == "step":
            self._sites.update(np.unique(columns["site"]).tolist())

    def write(self, writer: TraceWriter) -> None:
        """Write the table kernel_function; without a step, or without names, it stays empty."""
        sites = self._sites - {0}
        if sites:
            write_few_rows(writer, "kernel_function", list(functions_at(sites, self._proc)))


def functions_at(sites: Iterable[int], proc: Path = PROC) -> Iterator[dict[str, Any]]:
    """Give a row for each function that calls returning to `sites` were made in, in order.

    A call may be the last instruction of its function, so the site itself may be in the next one
    already. Where the kernel hides its addresses (kernel.kptr_restrict) nothing is given.
    """
    try:
        lines = (proc / "kallsyms").read_bytes().splitlines()
    except OSError:
        return
    text = [line for line in lines if line[17:18] in _TEXT]
    if not text:
        return
    addresses = np.array([int(line[:_ADDRESS_DIGITS], 16) for line in text], np.uint64)
    order = np.argsort(addresses, kind="stable")
    addresses = addresses[order]
    wanted = np.array(sorted(sites), np.uint64) - np.uint64(1)
    places = np.searchsorted(addresses, wanted, "right")
    begins = np.unique(addresses[places[places > 0] - 1])  # what is below the first is in none
    for begin in begins[begins > 0].tolist():
        # Of several names at one address the first is the one that the kernel shows.
        first = int(np.searchsorted(addresses, begin, "left"))
        after = int(np.searchsorted(addresses, begin, "right"))
        end = int(addresses[after]) if after < len(addresses) else begin
        name, _, module = text[int(order[first])][19:].partition(b"\t")
        yield {
            "address": begin,
            "bytes": min(end - begin, _BYTES_MAX),
            "name": name + (b" " + module if module else b""),
        }
