# SPDX-License-Identifier: Apache-2.0
"""Small programs of C, compiled for a test, and what other tools say of them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """\
int table[40] = {1};
static volatile int hidden[3];
__attribute__((noinline)) static int inner(int x) { return x + table[x] + hidden[x]; }
__attribute__((noinline)) int outer(int x) { return inner(x) * 2; }
int main(void) { return outer(0) == 2 ? 0 : 1; }
"""


def compile_c(folder: Path, name: str, *options: str, source: str = SOURCE) -> Path:
    """Compile a program into `folder`, with a build id and symbols unless options say otherwise."""
    text = folder / f"{name}.c"
    text.write_text(source)
    program = folder / name
    run("gcc", "-O1", "-Wl,--build-id", "-o", str(program), str(text), *options)
    return program


def run(*command: str) -> str:
    """Run a command that has to succeed; give what it prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
