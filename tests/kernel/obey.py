# SPDX-License-Identifier: Apache-2.0
"""Gives orders to processes of programs/obey.c while they are recorded, and looks at their pages.

Between two orders every process is stopped in a read of its next one, so that every moment is a
check point: what the kernel's /proc says then must be what is rebuilt from the recording.
"""

from __future__ import annotations

import os
import select
import struct
import subprocess
import time
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import pytest

from tests.kernel.pagemap import PAGE_BYTES, Page, pages_of
from tests.kernel.recording import PROCTRACE, Recording, clean_environment
from traces.reader import open_trace

if TYPE_CHECKING:
    from types import TracebackType

MMAP, MPROTECT, MUNMAP, MREMAP, MADVISE, GETPID, WAIT4 = 9, 10, 11, 25, 28, 39, 61
SHARED, PRIVATE, ANONYMOUS = 1, 2, 0x20
READ_ONLY, READ_WRITE = 1, 3
_SECONDS: Final = 60
"""How long an answer may take before the test fails; nothing is measured by it."""
_NUL: Final = subprocess.DEVNULL


def wait_for_start_memory(path: Path) -> None:
    """Wait until a recorder of what runs already has looked at its memory."""
    end = time.monotonic() + _SECONDS
    while not (path.exists() and path.stat().st_size and open_trace(path).rows("start_mapping")):
        assert time.monotonic() < end, f"{path} has no memory"
        time.sleep(0.05)


class Order(IntEnum):
    """As in programs/obey.c."""

    CALL = 0
    READ = 1
    WRITE = 2
    FORK = 3
    VFORK = 4
    CLONE_SAME_MM = 5
    EXECUTE = 6
    OPEN = 7
    USE_STACK = 8
    END = 9


@dataclass(frozen=True)
class CheckPoint:
    """What the kernel said of every process while all were stopped."""

    time_ns: int
    pages: dict[int, dict[int, Page]]
    """Present pages by pid and address."""

    def anonymous(self, pid: int) -> dict[int, Page]:
        """Give the private pages of a process by address."""
        return {address: page for address, page in self.pages[pid].items() if page.anonymous}

    def frames(self, pid: int, address: int, pages: int = 1) -> list[int]:
        """Give the frames of pages; 0 where none is present."""
        there = self.pages[pid]
        places = range(address, address + pages * PAGE_BYTES, PAGE_BYTES)
        return [there[place].frame if place in there else 0 for place in places]


class Obedient:
    """A process that does what it is told."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.number = stage.enter(self)
        # Open for both directions, so that no end waits for the other to be opened.
        self._orders, self._answers = (self._fifo(name) for name in ("orders", "answers"))
        self.pid = 0

    def _fifo(self, suffix: str) -> int:
        path = self._stage.folder / f"{self.number}.{suffix}"
        os.mkfifo(path)
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def begin(self) -> Self:
        """Learn the pid of a process that was just created."""
        self.pid = self.call(GETPID)
        self._stage.alive.append(self)
        return self

    def order(self, order: Order, *words: int) -> None:
        """Give an order and do not wait for its end."""
        padded = [word % 2**64 for word in words] + [0] * (7 - len(words))
        os.write(self._orders, struct.pack("8Q", order, *padded))

    def answer(self) -> int:
        """Wait for the end of the order before and give what came of it."""
        end = time.monotonic() + _SECONDS
        while not select.select([self._answers], [], [], 0.5)[0]:
            self._stage.assert_recording()
            assert time.monotonic() < end, f"process {self.number} does not answer"
        return int.from_bytes(os.read(self._answers, 8), "little", signed=True)

    def do(self, order: Order, *words: int) -> int:
        """Give an order and wait for its end."""
        self.order(order, *words)
        return self.answer()

    def call(self, number: int, *arguments: int) -> int:
        """Call the kernel; give what it returned, or fail with its error."""
        result = self.do(Order.CALL, number, *arguments)
        assert not -4096 < result < 0, f"system call {number}{arguments}: {os.strerror(-result)}"
        return result

    def map(self, pages: int, flags: int = PRIVATE | ANONYMOUS, file: int = -1) -> int:
        """Map new pages, and keep the kernel from merging them with other mappings."""
        # A page without access on either side.
        room = self.call(MMAP, 0, (pages + 2) * PAGE_BYTES, 0, PRIVATE | ANONYMOUS, -1, 0)
        return self.call(
            MMAP, room + PAGE_BYTES, pages * PAGE_BYTES, READ_WRITE, flags | 0x10, file, 0
        )

    def write(self, address: int, pages: int = 1) -> None:
        """Write to each of some pages."""
        self.do(Order.WRITE, address, pages, self.number + 1)

    def read(self, address: int, pages: int = 1) -> int:
        """Read of each of some pages; give the sum."""
        return self.do(Order.READ, address, pages)

    def put(self, address: int, data: bytes) -> None:
        """Write data to memory that the process wrote to before, from outside."""
        with Path(f"/proc/{self.pid}/mem").open("r+b", buffering=0) as memory:
            memory.seek(address)
            assert memory.write(data) == len(data)

    def advise(self, address: int, pages: int, advice: int) -> None:
        """Call madvise."""
        self.call(MADVISE, address, pages * PAGE_BYTES, advice)

    def fork(self) -> Obedient:
        """Create a process that copies this one's address space."""
        child = Obedient(self._stage)
        self.do(Order.FORK, child.number)
        return child.begin()

    def vfork(self) -> Obedient:
        """Create a process by vfork; its creator gives `answer` once it ended."""
        child = Obedient(self._stage)
        self.order(Order.VFORK, child.number)
        return child.begin()

    def clone_same_mm(self) -> Obedient:
        """Create a process, no thread, that shares the address space."""
        child = Obedient(self._stage)
        self.do(Order.CLONE_SAME_MM, child.number)
        return child.begin()

    def execute(self) -> None:
        """Execute the program anew."""
        self.order(Order.EXECUTE, self.number)
        assert self.call(GETPID) == self.pid

    def end(self) -> None:
        """End, without waiting until it happened."""
        self.order(Order.END)
        self._stage.alive.remove(self)

    def reap(self, child: Obedient) -> None:
        """End a child and wait for it: its address space is gone then."""
        child.end()
        assert self.call(WAIT4, child.pid, 0, 0, 0) == child.pid

    def die_reading(self, child: Obedient, address: int) -> int:
        """Let a child read what it may not; give the signal that it died of."""
        self._stage.alive.remove(child)
        child.order(Order.READ, address, 1)
        status = self.map(1)
        assert self.call(WAIT4, child.pid, status, 0, 0) == child.pid
        return self.read(status) & 0x7F

    def close(self) -> None:
        """Close the ends of this side."""
        os.close(self._orders)
        os.close(self._answers)

    def is_stopped(self) -> bool:
        """Tell whether the process sleeps."""
        stat = Path(f"/proc/{self.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] in "SD"


class Stage:
    """A recording of an obedient process, `root`, and all that it creates; to be used in `with`.

    With `attached`, the recording begins only when `attach` is called, of what runs by then.
    """

    def __init__(self, programs: Path, folder: Path, *, attached: bool = False) -> None:
        self.folder = folder
        self.alive: list[Obedient] = []
        self.began_ns = 0
        """When the first process had answered for the first time."""
        self._everybody: list[Obedient] = []
        self._output = folder / "obey.ptrace"
        file = folder / "file"
        file.write_bytes(b"f" * 16 * PAGE_BYTES)
        self.root = Obedient(self)
        program = (str(programs / "obey"), str(folder), str(file), "0")
        self._running: subprocess.Popen[bytes] | None = None
        if attached:
            self._running = self._started(*program)
        else:
            self._recorder = self._started(*self._record, "--", *program)

    @property
    def _record(self) -> tuple[str, ...]:
        return PROCTRACE, "record", "--faults", "-o", str(self._output)

    def _started(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, env=clean_environment(), stdin=_NUL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip

    def attach(self) -> None:
        """Begin to record the processes that run by now."""
        self._recorder = self._started(*self._record, "-p", str(self.root.pid))
        wait_for_start_memory(self._output)
        self.began_ns = time.monotonic_ns()

    def __enter__(self) -> Self:
        self.root.begin()
        self.began_ns = time.monotonic_ns()
        # Another CPU's batch of new pages (lru_add_drain(), mm/swap.c) holds references, for
        # which a page is copied that nobody else maps: what happens would depend on the scheduler.
        os.sched_setaffinity(self.root.pid, {min(os.sched_getaffinity(0))})
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in reversed(self.alive):
            process.order(Order.END)
        if self._running is not None:
            self._running.communicate(timeout=_SECONDS)
        self._stdout, self._stderr = self._recorder.communicate(timeout=_SECONDS)
        for process in self._everybody:
            process.close()

    def enter(self, process: Obedient) -> int:
        """Take in a new process and give its number."""
        self._everybody.append(process)
        return len(self._everybody) - 1

    def assert_recording(self) -> None:
        """Fail when the recording ended early, with what the recorder said."""
        program = self._running or self._recorder
        if program.poll() is not None:
            pytest.fail(f"ended early: {program.communicate()[1].decode()}")

    def look(self) -> CheckPoint:
        """Ask the kernel for the pages of every process, once all have stopped."""
        end = time.monotonic() + _SECONDS
        while not all(process.is_stopped() for process in self.alive):
            assert time.monotonic() < end, "a process does not stop"
            time.sleep(0.001)
        return CheckPoint(
            time.monotonic_ns(), {process.pid: pages_of(process.pid) for process in self.alive}
        )

    def recording(self) -> Recording:
        """Give the recording, after its end; it must be sound."""
        status = self._recorder.returncode
        recording = Recording(self._output, status, self._stdout, self._stderr)
        assert status == 0, recording.stderr.decode()
        recording.assert_sound()
        return recording
