# SPDX-License-Identifier: Apache-2.0
"""Programs that create many processes in many ways, and the same ones each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

C_FILES = 72
"""Each takes a compiler driver, a compiler and an assembler: together above 200 processes."""

MAKEFILE = """\
SHELL := /bin/sh
OBJECTS := $(patsubst %.c,%.o,$(sort $(wildcard part*.c)))

all: program checked

program: main.o library.a
\tgcc -o $@ main.o library.a

library.a: $(OBJECTS)
\tar crsD $@ $(OBJECTS)

%.o: %.c common.h
\tgcc -O1 -c -o $@ $<

checked: program
\t./program && echo "the program says yes" > $@
\t(true; exit 3) || true
\t-@no-such-command-anywhere
\t@printf 'a b\\n' | tr a-z A-Z | grep -q 'A B'

.PHONY: all
"""

PYTHON_PROGRAM = """\
import multiprocessing
import os
import subprocess
import sys
import threading


def work(number):
    return subprocess.run(["/bin/true", f"in worker {number}"]).returncode


def leave(status):
    sys.exit(status)


def in_thread(number):
    subprocess.run(["sh", "-c", f"exit {number}"])


def processes(method):
    context = multiprocessing.get_context(method)
    started = [context.Process(target=leave, args=(status,)) for status in (0, 5, 6)]
    for process in started:
        process.start()
        process.join()
    return [process.exitcode for process in started]


def main():
    subprocess.run(["/bin/echo", "two\\nlines", "\\x1b[31m", ""], stdout=subprocess.DEVNULL)
    subprocess.run("exit 4", shell=True)
    subprocess.run(["true"], preexec_fn=os.setsid)
    try:
        subprocess.run(["/no/such/program"])
    except FileNotFoundError:
        pass
    assert processes("fork") == [0, 5, 6]
    assert processes("spawn") == [0, 5, 6]
    threads = [threading.Thread(target=in_thread, args=(n,)) for n in range(10, 14)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "kill -9 $$"], os.environ)
    os.waitpid(pid, 0)
    pid = os.posix_spawnp("true", ["true", "by posix_spawnp"], os.environ)
    os.waitpid(pid, 0)
    pid = os.fork()
    if pid == 0:
        os._exit(work(1))
    os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
"""


def write_c_project(folder: Path) -> None:
    """Write a C project of `C_FILES` files and a Makefile into an empty folder."""
    names = [f"part{number:03}" for number in range(C_FILES - 1)]
    declarations = "\n".join(f"int {name}(int x);" for name in names)
    (folder / "common.h").write_text(f"{declarations}\n")
    for number, name in enumerate(names):
        body = f'#include "common.h"\nint {name}(int x)\n{{\n\treturn x + {number};\n}}\n'
        (folder / f"{name}.c").write_text(body)
    calls = "\n".join(f"\tsum = {name}(sum);" for name in names)
    total = sum(range(C_FILES - 1))
    (folder / "main.c").write_text(
        f'#include "common.h"\nint main(void)\n{{\n\tint sum = 0;\n\n{calls}\n'
        f"\treturn sum == {total} ? 0 : 1;\n}}\n"
    )
    (folder / "Makefile").write_text(MAKEFILE)
