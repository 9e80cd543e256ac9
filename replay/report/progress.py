# SPDX-License-Identifier: Apache-2.0
"""A progress bar on stderr for what takes longer than a second."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

PATIENCE_S: Final = 1.0
"""How long nothing is shown, in seconds."""
_ITEMS_PER_STEP: Final = 1_000

_Item = TypeVar("_Item")


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show a bar after a second, if stderr is a terminal; give what advances it.

    Without a total it only shows that something goes on. The bar is gone at the end.
    """
    if not sys.stderr.isatty():
        yield lambda _steps: None
        return
    from rich.console import Console  # noqa: PLC0415 - most commands end before they need it
    from rich.progress import Progress  # noqa: PLC0415

    # Redirected, rich would take what is written to stdout for the terminal of stderr.
    bar = Progress(
        console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False
    )
    task = bar.add_task(what, total=total)
    patience = threading.Timer(PATIENCE_S, bar.start)
    patience.daemon = True
    patience.start()
    try:
        yield lambda steps: bar.advance(task, steps)
    finally:
        patience.cancel()
        patience.join()
        if bar.live.is_started:  # a bar that never began would leave an empty line
            bar.stop()


def tracked(what: str, items: Iterable[_Item], total: int) -> Iterator[_Item]:
    """Give the items, with a bar that says how many of `total` went by.

    No bar where stdout is a terminal too: the items themselves are seen passing by there.
    """
    if sys.stdout.isatty():
        yield from items
        return
    with progress(what, total) as advance:
        for number, item in enumerate(items, 1):
            yield item
            if number % _ITEMS_PER_STEP == 0:
                advance(_ITEMS_PER_STEP)
