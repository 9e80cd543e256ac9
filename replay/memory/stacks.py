# SPDX-License-Identifier: Apache-2.0
"""The user stacks of faults, as lines of function names from the outermost to the innermost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from replay.memory.mappings import Mappings
    from replay.tables import TraceTables

NO_MODULE: Final = "[unknown]"


class Stacks:
    """Which stack each fault had, and the frames of each."""

    def __init__(self, trace: TraceTables) -> None:
        of = trace.table("fault_stack").filter(pl.col("stack") >= 0)
        self._of = of.select("time_ns", "tid", "stack").unique(["time_ns", "tid"], keep="first")
        self._frames = trace.table("stack_frame")

    def folded(self, mappings: Mappings, faults: pl.DataFrame) -> pl.Series:
        """Give the stack of each fault as `outermost;...;innermost`; null where it has none.

        `faults` has time_ns, tid and space. A function without a symbol is named by its file in
        brackets. Each stack is resolved once for each address space, at its first fault there.
        """
        rows = faults.select("time_ns", "tid", "space").join(
            self._of, on=["time_ns", "tid"], how="left", maintain_order="left"
        )
        known = rows.filter(pl.col("stack").is_not_null())
        once = known.group_by("space", "stack").agg(pl.col("time_ns").min())
        lines = self._resolved(mappings, once.join(self._frames, on="stack"))
        joined = rows.join(lines, on=["space", "stack"], how="left", maintain_order="left")
        return joined["folded"]

    def _resolved(self, mappings: Mappings, frames: pl.DataFrame) -> pl.DataFrame:
        """Give (space, stack, folded) of frames; where a call returns to may be past its end."""
        address = frames["ip"] - (frames["depth"] > 0).cast(pl.UInt64)
        space = frames["space"].to_numpy().astype(np.int64)
        time_ns = frames["time_ns"].to_numpy().view(np.int64)
        told = mappings.describe(mappings.find(space, address, time_ns), address)
        names = {pair: _name(*pair) for pair in told.select("symbol", "path").unique().iter_rows()}
        name = [names[pair] for pair in told.select("symbol", "path").iter_rows()]
        named = frames.with_columns(pl.Series("name", name, pl.String))
        return (
            named.sort("depth", descending=True)
            .group_by("space", "stack", maintain_order=True)
            .agg(pl.col("name").str.join(";").alias("folded"))
        )


def _name(symbol: bytes | None, path: bytes | None) -> str:
    if symbol:
        return symbol.decode(errors="backslashreplace")
    if path:
        return f"[{path.rsplit(b'/', 1)[-1].decode(errors='backslashreplace')}]"
    return NO_MODULE
