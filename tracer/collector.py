# SPDX-License-Identifier: Apache-2.0
"""From the rings to the trace: spans are split into columns, kept a while, written in blocks."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.records import columns_by_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tracer.kernel_functions import KernelSites
    from tracer.modules import ModuleCatalogue
    from tracer.rings import FixedRing, VariableRing
    from tracer.task_starts import TaskStarts
    from traces.writer import TraceWriter

ROWS_BEFORE_WRITING = 65536
"""A table's rows are written when there are so many; smaller blocks compress worse."""

_PIECE = struct.Struct("<QIHHII")  # struct piece in bpf/text.h, without its data
_PIECE_FIELDS = ("time_ns", "tid", "what", "flags", "offset", "total")
_PIECE_TYPES = ("<u8", "<u4", "<u2", "<u2", "<u4", "<u4")

Columns = dict[str, "NDArray[Any]"]


class Collector:
    """Takes records out of the rings and writes them to the trace, table by table."""

    def __init__(
        self,
        writer: TraceWriter,
        fixed_rings: list[FixedRing],
        text_ring: VariableRing,
        catalogue: ModuleCatalogue | None = None,
        sites: KernelSites | None = None,
    ) -> None:
        """Take the rings over; `catalogue` notes what addresses and files appear.

        `sites` notes from where in the kernel steps were made.
        """
        self._writer = writer
        self._fixed_rings = fixed_rings
        self._text_ring = text_ring
        self._catalogue = catalogue
        self._sites = sites
        self._starts: TaskStarts | None = None
        self._spans: dict[str, list[Columns]] = {}
        self._rows: dict[str, int] = {}
        self._pieces: list[bytes] = []

    def note_starts(self, starts: TaskStarts) -> None:
        """Have the starts of tasks noted as they are written."""
        self._starts = starts

    def drain(self) -> None:
        """Take everything that is finished in the rings, and write the tables that grew large."""
        for ring in self._fixed_rings:
            for table, columns in columns_by_table(ring.take()).items():
                self._keep(table, columns)
        self._pieces.extend(self._text_ring.take())
        if len(self._pieces) >= ROWS_BEFORE_WRITING:
            self._write_pieces()

    def fullness(self) -> float:
        """How full the fullest ring is, 0..1."""
        rings = [*self._fixed_rings, self._text_ring]
        return max(ring.waiting_bytes() / ring.size_bytes for ring in rings)

    def flush(self) -> None:
        """Write all that was kept, so that it survives if the recorder is killed."""
        for table in list(self._spans):
            self._write(table)
        self._write_pieces()

    def _keep(self, table: str, columns: Columns) -> None:
        self._spans.setdefault(table, []).append(columns)
        self._rows[table] = self._rows.get(table, 0) + len(columns["time_ns"])
        if self._rows[table] >= ROWS_BEFORE_WRITING:
            self._write(table)

    def _write(self, table: str) -> None:
        spans = self._spans.pop(table)
        self._rows.pop(table)
        merged = {name: np.concatenate([span[name] for span in spans]) for name in spans[0]}
        if self._catalogue is not None:
            self._catalogue.note_columns(table, merged)
        if self._sites is not None:
            self._sites.note_columns(table, merged)
        if self._starts is not None:
            self._starts.note_columns(table, merged)
        # Reserving and stamping are two steps, so two CPUs may come out of order by a little.
        order = np.argsort(merged["time_ns"], kind="stable")
        self._writer.rows(table, {name: column[order] for name, column in merged.items()})

    def _write_pieces(self) -> None:
        if not self._pieces:
            return
        if self._catalogue is not None:
            self._catalogue.note_pieces(self._pieces)
        heads = np.array(
            [_PIECE.unpack_from(piece) for piece in self._pieces],
            dtype=list(zip(_PIECE_FIELDS, _PIECE_TYPES, strict=True)),
        )
        columns: dict[str, Any] = {name: heads[name].copy() for name in _PIECE_FIELDS}
        columns["data"] = [piece[_PIECE.size :] for piece in self._pieces]
        self._writer.rows("text", columns)
        self._pieces.clear()
