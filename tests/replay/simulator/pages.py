# SPDX-License-Identifier: Apache-2.0
"""What faults were, by class, in simulations for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay.memory.fork_costs import fork_costs
from replay.memory.history import PageHistories
from tests.replay.simulator.told import acted, opened

if TYPE_CHECKING:
    from replay.simulator.simulation import Simulation


def classes(done: Simulation) -> dict[str, list[str]]:
    """Give the classes of all faults, in order, by actor."""
    names = {task.tid: done.plan.actors[task.actor].name for task in done.host.tasks}
    found: dict[str, list[str]] = {name: [] for name in names.values()}
    faults = PageHistories.from_trace(opened(done)).faults
    for tid, kind in zip(faults["tid"], faults["class"], strict=True):
        found[names[tid]].append(kind)
    return found


def fork_figures(text: str, model: str = "linux-6.18") -> dict[str, int]:
    """Give how many pages were copied and reused after all forks, as replay counts them."""
    costs = fork_costs(PageHistories.from_trace(opened(acted(text, model=model))))
    return {
        how: sum(sum(costs[f"{who}_{how}"].to_list()) for who in ("child", "parent"))
        for how in ("copied", "reused")
    }
