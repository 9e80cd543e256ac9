# SPDX-License-Identifier: Apache-2.0
"""What clang, libbpf and the verifier print, kept in a file instead of on the user's terminal."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traces.errors import ProctraceError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def standard_error_into_file() -> Iterator[Any]:
    """Send what C code prints on descriptor 2 to a temporary file, and give the file."""
    with tempfile.TemporaryFile() as log:
        if sys.stderr is not None:
            sys.stderr.flush()
        terminal = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            yield log
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


@contextmanager
def reporting(what: str, source: bytes = b"") -> Iterator[None]:
    """Turn any failure of bcc into one ProctraceError whose hint names a log of its messages.

    `what` could not be done; `source` is the program, which the log shows behind the messages.
    """
    with standard_error_into_file() as log:
        try:
            yield
        except Exception as error:  # bcc raises no narrower class
            log.seek(0)
            path = _kept(log.read(), source)
            why = " ".join(str(error).split()) or type(error).__name__
            raise ProctraceError(
                what, why, f"the compiler's and verifier's messages are in {path}"
            ) from error


def _kept(messages: bytes, source: bytes) -> Path:
    with tempfile.NamedTemporaryFile(prefix="proctrace-", suffix=".log", delete=False) as kept:
        kept.write(messages)
        if source:
            kept.write(b"\n---- the program ----\n" + source)
        return Path(kept.name)
