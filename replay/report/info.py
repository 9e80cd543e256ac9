# SPDX-License-Identifier: Apache-2.0
"""What a trace file says about itself: host, command, hooks and how sure they are, sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from replay.report.screen import BAD, BOLD, DIM, GOOD, NOTABLE, PLAIN, Line, Piece, aligned
from replay.report.units import counted, size
from traces.blocks import Kind
from traces.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.losses import Losses
    from traces.reader import Trace

_PLAN: Final = "plan"
_CERTAINTY_STYLES: Final = {"observed": GOOD, "inferred": NOTABLE, "unobservable": BAD}


def info_json(trace: Trace, losses: Losses) -> dict[str, object]:
    """Give the same as a value for JSON."""
    return {
        "format_version": trace.format_version,
        "complete": trace.complete,
        "truncated": trace.truncated,
        "bytes": _file_bytes(trace),
        "blocks": len(trace.blocks),
        "tables": [
            {"table": name, "rows": trace.rows(name), "blocks": blocks, "payload_bytes": length}
            for name, blocks, length in _tables(trace)
        ],
        "losses": [
            {
                "ring": loss.ring.decode(errors="backslashreplace"),
                "cpu": loss.cpu,
                "count": loss.count,
                "first_ns": loss.first_ns or None,
                "last_ns": loss.last_ns or None,
            }
            for loss in losses.by_place
        ],
        "metadata": dict(sorted(trace.metadata.items())),
    }


def info_lines(trace: Trace, losses: Losses) -> Iterator[Line]:
    """Give the report: the file, its metadata by name, its hooks, its tables, its losses."""
    yield from aligned(list(_file_rows(trace)))
    for name in sorted(trace.metadata, key=_metadata_place):
        if name != _PLAN:
            yield []
            yield [(name, BOLD)]
            yield from aligned(list(_value_rows(trace.metadata[name])), indent="  ")
    yield from _plan_lines(trace.metadata.get(_PLAN))
    yield []
    yield [("tables", BOLD)]
    yield from aligned(list(_table_rows(trace)), indent="  ", numbers=(1, 2, 3))
    yield []
    yield [("losses", BOLD)]
    yield from _loss_lines(losses)


_METADATA: Final = ("recording", "run", "simulation", "host", "memory")
"""What a reader asks for first; the rest follows by name."""


def _metadata_place(name: str) -> tuple[int, str]:
    return (_METADATA.index(name) if name in _METADATA else len(_METADATA), name)


def _file_bytes(trace: Trace) -> int:
    return trace.path.stat().st_size


def _file_rows(trace: Trace) -> Iterator[list[Piece]]:
    yield [("file", DIM), (str(trace.path), PLAIN)]
    yield [("format", DIM), (f"version {trace.format_version}", PLAIN)]
    if trace.complete:
        yield [("state", DIM), ("complete", GOOD)]
    else:
        yield [("state", DIM), (f"truncated: {trace.truncated}", BAD)]
    blocks = counted(len(trace.blocks), "block")
    yield [("size", DIM), (f"{size(_file_bytes(trace))} in {blocks}", PLAIN)]


def _value_rows(value: object, name: str = "") -> Iterator[list[Piece]]:
    """Flatten a metadata value: one row for each member, its name dotted where it is deeper."""
    if isinstance(value, Mapping):
        for key, member in value.items():
            yield from _value_rows(member, f"{name}.{key}" if name else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        if any(isinstance(member, (Mapping, list)) for member in value):
            for index, member in enumerate(value):
                yield from _value_rows(member, f"{name}[{index}]")
        else:
            yield [(name, DIM), (" ".join(_scalar(member) for member in value) or "none", PLAIN)]
    else:
        row = [(name, DIM), (_scalar(value), PLAIN)]
        yield row if name else row[1:]


def _scalar(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    first, *more = str(value).splitlines() or ["-"]
    return f"{first} … ({counted(len(more), 'line')} more; --json has all)" if more else first


def _plan_lines(plan: object) -> Iterator[Line]:
    if not isinstance(plan, Sequence) or isinstance(plan, str):
        return
    facts = [fact for fact in plan if isinstance(fact, Mapping)]
    yield []
    yield [("facts", BOLD), ("  what was recorded, from which hook, and how sure it is", DIM)]
    rows: list[list[Piece]] = []
    for fact in facts:
        certainty = str(fact.get("certainty", "?"))
        source = str(fact.get("hook") or fact.get("why") or "")
        style = _CERTAINTY_STYLES.get(certainty, PLAIN)
        rows.append([(str(fact.get("fact", "?")), PLAIN), (certainty, style), (source, DIM)])
    yield from aligned(rows, indent="  ")


def _tables(trace: Trace) -> Iterator[tuple[str, int, int]]:
    """Give (name, blocks, bytes of payload as stored) of each table that has rows."""
    for name in TABLES:
        sizes = [
            block.payload_bytes
            for block in trace.blocks
            if block.kind is Kind.TABLE and block.name == name
        ]
        if sizes:
            yield name, len(sizes), sum(sizes)


def _table_rows(trace: Trace) -> Iterator[list[Piece]]:
    yield [(text, DIM) for text in ("TABLE", "ROWS", "BLOCKS", "STORED")]
    for name, blocks, length in _tables(trace):
        rows = f"{trace.rows(name):,}"
        yield [(name, PLAIN), (rows, PLAIN), (str(blocks), PLAIN), (size(length), PLAIN)]


def _loss_lines(losses: Losses) -> Iterator[Line]:
    if not losses.count:
        yield [("  none recorded", GOOD)]
    for loss in losses.by_place:
        if loss.count:
            place = loss.ring.decode(errors="backslashreplace")
            yield [(f"  {counted(loss.count, 'record')} in {place} on CPU {loss.cpu}", BAD)]
