# SPDX-License-Identifier: Apache-2.0
"""The actors' program: where it is, and how it is built from the sources beside this file.

It is named after its sources, so a changed source gives another program. It lies below sys.prefix,
which a virtual environment has for itself, however proctrace was installed there.
Run as a module it builds what is missing: `python -m tracer.actor.build`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from traces.errors import ProctraceError

SOURCES: Final = Path(__file__).parent
"""Where the C sources are."""
FOLDER: Final = Path(sys.prefix) / "libexec" / "proctrace"
"""Where built programs are."""
COMPILER_FLAGS: Final = (
    "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fno-stack-protector",
    "-fno-pie", "-fcf-protection=none", "-mno-red-zone", "-fno-asynchronous-unwind-tables",
    "-static", "-nostdlib", "-no-pie", "-Wl,--build-id=none,-z,noexecstack",
)  # fmt: skip
"""No C library, and nothing that needs the thread area that one would set up."""
_COMPILERS: Final = ("cc", "gcc", "clang")
_HINT: Final = "install a compiler (Debian: apt-get install gcc linux-libc-dev), then: make setup"


def program_path(folder: Path = FOLDER) -> Path:
    """Give where the program of these sources is, or would be."""
    digest = hashlib.sha256("\0".join(COMPILER_FLAGS).encode())
    for path in sorted([*SOURCES.glob("*.c"), *SOURCES.glob("*.h")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return folder / f"proctrace-actor-{digest.hexdigest()[:16]}"


def built_program(folder: Path = FOLDER) -> Path:
    """Give the program, built now where it was not; ProctraceError when that cannot be."""
    path = program_path(folder)
    if not os.access(path, os.X_OK):
        _build(path)
    return path


def _build(path: Path) -> None:
    compiler = next(filter(None, map(shutil.which, _COMPILERS)), None)
    if compiler is None:
        why = f"it is not built yet, and there is no C compiler ({', '.join(_COMPILERS)})"
        raise ProctraceError("there is no program to act a scenario", why, _HINT)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whoever builds at the same time builds the same; one of the two comes last.
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            built = Path(folder) / "actor"
            _compile(compiler, built)
            built.chmod(0o755)
            built.replace(path)
    except OSError as error:
        why = f"{error.strerror or error}: {error.filename}"
        hint = "build it as the owner of that folder: make setup"
        raise ProctraceError("cannot build the program to act a scenario", why, hint) from error
    for old in path.parent.glob("proctrace-actor-*"):
        if old != path:
            old.unlink(missing_ok=True)


def _compile(compiler: str, output: Path) -> None:
    sources = sorted(str(path) for path in SOURCES.glob("*.c"))
    done = subprocess.run(  # noqa: S603 - our own sources, by the system's compiler
        [compiler, *COMPILER_FLAGS, "-o", str(output), *sources],
        check=False,
        capture_output=True,
        env=os.environ | {"LC_ALL": "C"},
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").splitlines() or ["it does not say why"]
        why = next((line for line in lines if "error" in line), lines[0])
        raise ProctraceError("cannot build the program to act a scenario", why, _HINT)


def main() -> int:
    """Build what is missing, and give the exit status."""
    try:
        built_program()
    except ProctraceError as error:
        sys.stderr.write(f"proctrace: {error.what}\n  why: {error.why}\n  hint: {error.hint}\n")
        return error.status
    return 0


if __name__ == "__main__":
    sys.exit(main())
