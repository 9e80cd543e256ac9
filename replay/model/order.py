# SPDX-License-Identifier: Apache-2.0
"""Partial orders: a linear order that one permits, all that comes before, and cycles."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class CycleError(Exception):
    """`path` leads from a name back to itself, each coming after the one before it."""

    def __init__(self, path: tuple[str, ...]) -> None:
        super().__init__(" -> ".join(path))
        self.path = path


def linear(after: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Give the names in an order that `after` permits, as near to its own order as can be.

    CycleError when there is none. Every name that occurs must be a key.
    """
    rank = {name: index for index, name in enumerate(after)}
    waiting = {name: len(earlier) for name, earlier in after.items()}
    followers: dict[str, list[str]] = {name: [] for name in after}
    for name, earlier in after.items():
        for one in earlier:
            followers[one].append(name)
    ready = [(rank[name], name) for name, count in waiting.items() if not count]
    heapq.heapify(ready)
    found = []
    while ready:
        _, name = heapq.heappop(ready)
        found.append(name)
        for follower in followers[name]:
            waiting[follower] -= 1
            if not waiting[follower]:
                heapq.heappush(ready, (rank[follower], follower))
    if len(found) < len(after):
        raise CycleError(_cycle(after, set(after) - set(found)))
    return tuple(found)


def closure(
    after: Mapping[str, frozenset[str]], order: tuple[str, ...]
) -> dict[str, frozenset[str]]:
    """Give for each name all that must come before it, also indirectly; `order` is `linear`'s."""
    before: dict[str, frozenset[str]] = {}
    for name in order:
        before[name] = after[name].union(*(before[one] for one in after[name]))
    return before


def _cycle(after: Mapping[str, frozenset[str]], left: set[str]) -> tuple[str, ...]:
    """Walk backwards among the names that are left until one comes again."""
    path = [min(left)]
    while True:
        # What is left waits for something that is left: else it would have been ready.
        name = min(after[path[-1]] & left)
        if name in path:
            return (*reversed(path[path.index(name) :]), path[-1])
        path.append(name)
