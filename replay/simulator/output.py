# SPDX-License-Identifier: Apache-2.0
"""The file that a simulated trace is written to: whole, or not there at all."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from traces.errors import ProctraceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO


@contextmanager
def new_file(path: Path, *, force: bool) -> Iterator[BinaryIO]:
    """Give a file for writing bytes; one that exists is replaced only with `force`.

    Where what is done with it fails, the file is removed again. ProctraceError when it cannot be
    created or written.
    """
    try:
        with path.open("wb" if force else "xb") as file:
            try:
                yield file
            except BaseException:
                _remove(path)
                raise
    except FileExistsError as error:
        why = "it exists, and nothing is overwritten unasked"
        raise ProctraceError(
            f"cannot create {path}", why, "add -f, or choose another -o"
        ) from error
    except OSError as error:
        why = error.strerror or str(error)
        raise ProctraceError(f"cannot write {path}", why, "choose another file with -o") from error


def _remove(path: Path) -> None:
    # A device such as /dev/null stays.
    if path.is_file():
        path.unlink(missing_ok=True)
