# SPDX-License-Identifier: Apache-2.0
"""Named counters of where faults do not fit what was known of their pages.

The page-table entry that a fault found is what counts: the history of the page goes on from it,
and the difference is counted here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from replay.anomalies import Anomaly, AnomalyKind, Severity
from replay.memory import pte
from replay.memory.breaks import CHUNK
from replay.memory.layout import MappingKind
from replay.memory.mappings import KIND_CODES
from replay.memory.page_map import frames
from replay.memory.walk import NOWHERE

if TYPE_CHECKING:
    from replay.memory.history import PageHistories
    from replay.memory.pte import Bools
    from replay.memory.ranges import Ints

_INFO, _LOSS = Severity.INFO, Severity.DATA_LOSS

_KINDS = (
    AnomalyKind("fault_of_nobody", _LOSS, "A fault belongs to no task that is known."),
    AnomalyKind(
        "mm_changed_unseen",
        _LOSS,
        "A task turned out to use another address space, and no exec of it was recorded.",
    ),
    AnomalyKind(
        "page_older",
        _INFO,
        "A private page was copied or reused that was there before its address space was followed.",
    ),
    AnomalyKind(
        "argument_page",
        _INFO,
        "A page of the stack was copied or reused that no fault had made: execve wrote the "
        "arguments of the program there (get_arg_page(), fs/exec.c).",
    ),
    AnomalyKind(
        "page_unseen",
        _INFO,
        "A private page was copied or reused, and no fault that made it was recorded: the kernel "
        "made it for itself (MAP_POPULATE, mlock, ptrace), or the fault was lost.",
    ),
    AnomalyKind(
        "page_gone",
        _INFO,
        "A private page was not there any more, and no call took it away: it was given back "
        "(MADV_FREE), or the call was not recorded.",
    ),
    AnomalyKind(
        "inherited_gone",
        _INFO,
        "A private page that a fork should have shared was not there in the child: its mapping "
        "was not copied (a mapping of a device, say).",
    ),
    AnomalyKind(
        "frame_migrated",
        _INFO,
        "A page was in another frame than its last fault or its parent had it, and recorded "
        "migrations lead from the one to the other (compaction, move_pages(), NUMA balancing).",
    ),
    AnomalyKind(
        "page_collapsed",
        _INFO,
        "A page was in another frame than before, and a recorded collapse made a huge page of it.",
    ),
    AnomalyKind(
        "frame_changed",
        _INFO,
        "A page was in another frame than its last fault had put it, and no recorded change says "
        "why: it was merged (KSM), or copied for somebody's get_user_pages().",
    ),
    AnomalyKind(
        "inherited_frame_differs",
        _INFO,
        "A page was in another frame than its parent had it at the fork: it was migrated, or was "
        "pinned and copied by the fork itself (copy_present_page(), mm/memory.c).",
    ),
    AnomalyKind(
        "copied_without_fork",
        _INFO,
        "A page was copied that no fork is known to share: something else held a reference "
        "(a pin, another CPU's batch of pages, KSM).",
    ),
    AnomalyKind(
        "reused_without_fork",
        _INFO,
        "A page was write-protected though no fork had shared it, as mprotect or userfaultfd do.",
    ),
    AnomalyKind(
        "raced",
        _INFO,
        "Two threads faulted on the same page at once, and only one of them changed it.",
    ),
)

KINDS: Final[dict[str, AnomalyKind]] = {kind.name: kind for kind in _KINDS}
"""Every counter by name."""


def contradictions(memory: PageHistories) -> list[Anomaly]:
    """Count them; those above zero in the order of `KINDS`."""
    counts = dict.fromkeys(KINDS, 0)
    counts["fault_of_nobody"] = int((memory.faults["space"] == NOWHERE).sum())
    counts["mm_changed_unseen"] = memory.spaces.unseen_changes
    counts["raced"] = len(np.unique(memory.events.raced))
    _count_breaks(memory, counts)
    for begin in range(0, len(memory.events.key), CHUNK):
        _count_states(memory, begin, counts)
    return [Anomaly(KINDS[name], count) for name, count in counts.items() if count]


def _count_breaks(memory: PageHistories, counts: dict[str, int]) -> None:
    breaks, events = memory.breaks, memory.events
    first = events.first[breaks.event]
    unseen = np.flatnonzero(breaks.unseen & first)
    roots = _roots(events.contents.parents)[events.space(breaks.event[unseen].astype(np.int64))]
    older = events.contents.begins[roots] == 0
    counts["page_older"] = int(older.sum())
    event = breaks.event[unseen[~older]].astype(np.int64)
    faults, row = memory.faults, events.row[event]
    time_ns = faults["time_ns"].to_numpy()[row].view(np.int64)
    mapping = memory.mappings.find(events.space(event), faults["address"].gather(row), time_ns)
    on_stack = memory.mappings.kinds(mapping) == KIND_CODES[MappingKind.STACK]
    counts["argument_page"] = int(on_stack.sum())
    counts["page_unseen"] = int((~on_stack).sum())
    alone = (breaks.fork < 0) & ~breaks.unseen & first
    older = _shared_before(memory, np.flatnonzero(alone))
    counts["page_older"] += len(older)
    alone[older] = False
    counts["copied_without_fork"] = int((alone & breaks.copied).sum())
    exclusive = (memory.faults["flags"].to_numpy()[events.row[breaks.event]] & 16) != 0
    counts["reused_without_fork"] = int((alone & ~breaks.copied & ~exclusive).sum())


def _shared_before(memory: PageHistories, at: Ints) -> Ints:
    """Give those of some breaks of which the page was there as recording began."""
    events = memory.events
    event = memory.breaks.event[at].astype(np.int64)
    space, page, done = events.space(event), events.page(event), events.done[event]
    before = events.owner(space, page, done - 1)
    return at[(before >= 0) & events.at_start(before)]


def _roots(parents: Ints) -> Ints:
    """Give the address space that each descends from by forks; parents come before children."""
    root = np.arange(len(parents), dtype=np.int64)
    for space in np.flatnonzero(parents >= 0).tolist():
        root[space] = root[parents[space]]
    return root


def _count_states(memory: PageHistories, begin: int, counts: dict[str, int]) -> None:
    """Compare what faults found with what the faults before had left."""
    events = memory.events
    event = np.arange(begin, min(begin + CHUNK, len(events.key)), dtype=np.int64)
    event = event[events.first[event]]
    space, page, done = events.space(event), events.page(event), events.done[event]
    before = events.owner(space, page, done - 1)
    known = events.private_after(before)
    event, page, before = event[known], page[known], before[known]
    own = events.space(before) == space[known]
    old = frames(memory, "old", event, page)
    left = frames(memory, "new", before, events.page(before))
    gone = _state(memory, event) <= pte.MARKER
    differs = (_state(memory, event) == pte.LEAF) & (left >= 0) & (old != left)
    counts["page_gone"] += int((gone & own).sum())
    counts["inherited_gone"] += int((gone & ~own).sum())
    migrated, collapsed = _moved(memory, (event, before), (left, old), differs)
    counts["frame_migrated"] += int(migrated.sum())
    counts["page_collapsed"] += int(collapsed.sum())
    differs &= ~migrated & ~collapsed
    counts["frame_changed"] += int((differs & own).sum())
    counts["inherited_frame_differs"] += int((differs & ~own).sum())


def _moved(
    memory: PageHistories, events: tuple[Ints, Ints], frame: tuple[Ints, Ints], differs: Bools
) -> tuple[Bools, Bools]:
    """Tell which frames that differ between two events were migrated, and which collapsed."""
    migrated, collapsed = np.zeros_like(differs), np.zeros_like(differs)
    at = np.flatnonzero(differs)
    event, before = (one[at] for one in events)
    known, page = memory.events, memory.events.page(event)
    since_ns, until_ns = known.done[before], known.done[event]
    left, old = (one[at] for one in frame)
    migrated[at] = memory.migrations.explain(page, (left, old), since_ns, until_ns)
    mm = np.array([space.mm for space in memory.spaces.spaces], np.uint64)
    for one in (event, before):
        of = mm[known.space(one)]
        collapsed[at] |= memory.migrations.collapsed(of, page, since_ns, until_ns)
    return migrated, collapsed & ~migrated


def _state(memory: PageHistories, event: Ints) -> pte.U8:
    row = memory.events.row[event]
    faults = memory.faults
    return pte.states(faults["old_pte"].to_numpy()[row], faults["old_level"].to_numpy()[row])
