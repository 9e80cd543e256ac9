# SPDX-License-Identifier: Apache-2.0
"""A pre-fork server: it loads a catalogue, forks workers that only read it, and waits for them.

Each worker answers requests that read a tenth of the catalogue, and runs the garbage collector
once, as a busy interpreter does sooner or later. With --freeze the parent moves what it loaded
out of the collector's sight before it forks.
"""

from __future__ import annotations

import argparse
import gc
import os

ITEM_BYTES = 64
"""What pymalloc takes for an Item in Python 3.11: 16 of the collector's header, 16 of the
object's (its reference count is the first 8), 24 of slots."""


class Item:
    """An article of the catalogue; what it holds is shared, so that the items are the data."""

    __slots__ = ("name", "price", "stock")

    def __init__(self, name: str, price: int, stock: int) -> None:
        self.name, self.price, self.stock = name, price, stock


def serve(catalogue: list[Item], begin: int, end: int) -> int:
    """Give the worth of some articles; assigns to nothing that the parent has made."""
    worth = 0
    for number in range(begin, end):
        item = catalogue[number]
        worth += item.price * item.stock
    return worth


def work(catalogue: list[Item]) -> None:
    """Be a worker."""
    serve(catalogue, 0, len(catalogue) // 10)
    gc.collect()


def main() -> None:
    """Load, fork, wait."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--freeze", action="store_true", help="call gc.freeze() before the fork")
    options = parser.parse_args()
    gc.disable()  # while loading: as the documentation of gc.freeze() advises
    catalogue = [
        Item("article", number % 100, number % 7)
        for number in range(options.megabytes * 1_000_000 // ITEM_BYTES)
    ]
    if options.freeze:
        gc.freeze()
    workers = []
    for _ in range(options.workers):
        worker = os.fork()
        if not worker:
            work(catalogue)
            os._exit(0)
        workers.append(worker)
    for worker in workers:
        os.waitpid(worker, 0)


if __name__ == "__main__":
    main()
