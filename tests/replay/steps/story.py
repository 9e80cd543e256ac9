# SPDX-License-Identifier: Apache-2.0
"""A trace with a fork, a thread and a failed clone3, and the steps of each, as 6.18 takes them."""

from __future__ import annotations

from tests.histories.fake import FakeTrace

FORK, CLONE, CLONE3 = 57, 56, 435
THREAD_FLAGS = 0x50F00
"""CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM."""
SLAB_ALLOC, SLAB_FREE, KMALLOC, KFREE, CAPABLE, PAGES, RSS = range(1, 8)
PAGE_TABLE_GFP = 0x440DC0

FUNCTIONS = (
    "copy_process", "prepare_creds", "lsm_blob_alloc", "dup_fd", "copy_fs_struct", "vm_area_dup",
    "alloc_pid", "__mmdrop", "rcu_do_batch", "vm_area_free", "__mt_dup.isra.0",
)  # fmt: skip
CACHES = (
    "task_struct", "pid", "files_cache", "sighand_cache", "signal_cache", "mm_struct",
    "vm_area_struct", "maple_node", "anon_vma_chain",
)  # fmt: skip
_FUNCTION_BYTES = 0x1000
_TEXT, _CACHES = 0xFFFF_FFFF_8100_0000, 0xFFFF_8880_0000_0000

_FORKED = (
    ("copy_process", "task_struct"), ("prepare_creds", "pid"), ("dup_fd", "files_cache"),
    ("copy_fs_struct", "anon_vma_chain"), ("copy_process", "sighand_cache"),
    ("copy_process", "signal_cache"), ("copy_process", "mm_struct"),
    ("__mt_dup.isra.0", "maple_node"), ("vm_area_dup", "vm_area_struct"),
)  # fmt: skip


class StepsTrace(FakeTrace):
    """A trace of one caller whose clock goes on by 1 µs with each event."""

    def __init__(self) -> None:
        super().__init__(metadata={"host": {"kernel": "6.18.1"}, "recording": {"steps": True}})
        self.now_ns = 1_000_000
        for number, function in enumerate(FUNCTIONS):
            address = _TEXT + number * _FUNCTION_BYTES
            self.add(
                "kernel_function", address=address, bytes=_FUNCTION_BYTES, name=function.encode()
            )
        for number, cache in enumerate(CACHES):
            self.add("slab_cache", cache=_CACHES + number * 64, name=cache.encode())

    def tick(self) -> int:
        """Let a microsecond pass."""
        self.now_ns += 1_000
        return self.now_ns

    def step(self, what: int, function: str = "", cache: str = "", **values: int) -> None:
        """Add a step; a call that is its function's last instruction returns behind it."""
        site = _TEXT + (FUNCTIONS.index(function) + 1) * _FUNCTION_BYTES if function else 0
        address = _CACHES + CACHES.index(cache) * 64 if cache else 0
        row = {"time_ns": self.tick(), "tid": 10, "what": what, "site": site, "cache": address}
        self.add("step", **(row | values))

    def call(self, enter_ns: int, result: int, **values: int) -> None:
        """Add a call that returns now."""
        row = {"tid": 10, "enter_ns": enter_ns, "time_ns": self.tick(), "result": result}
        self.add("clone_call", **row, **values)

    def child(self, tid: int, flags: int, **pointers: int) -> None:
        """Add the creation of a task."""
        row = {"tid": 10, "child_tid": tid, "child_start_ns": tid, "clone_flags": flags}
        self.add("newtask", time_ns=self.tick(), **row, **pointers)
        times = {"fork_ns": self.tick(), "wakeup_new_ns": self.tick()}
        self.add("started", time_ns=self.now_ns, tid=tid, start_ns=tid, **times)


def _forked(trace: StepsTrace) -> None:
    for function, cache in _FORKED:
        trace.step(SLAB_ALLOC, function, cache)


def steps_trace() -> StepsTrace:
    """Give the whole story: fork of 11, thread 12, a clone3 that fails with EEXIST."""
    trace = StepsTrace()
    enter_ns = trace.tick()
    _forked(trace)
    trace.step(PAGES, amount=4096, gfp=PAGE_TABLE_GFP)
    trace.step(CAPABLE, amount=21)
    trace.step(RSS, result=1)
    trace.step(SLAB_FREE, "rcu_do_batch", "task_struct", flags=1)
    trace.step(SLAB_ALLOC, "alloc_pid", "pid")
    trace.child(11, 0, files=1, child_files=2, mm=3, child_mm=4, nsproxy=5, child_nsproxy=5)
    trace.call(enter_ns, 11, syscall=FORK, exit_signal=17)
    enter_ns = trace.tick()
    trace.step(SLAB_ALLOC, "copy_process", "task_struct")
    trace.step(KMALLOC, "lsm_blob_alloc", amount=11)
    trace.step(SLAB_ALLOC, "alloc_pid", "pid")
    trace.child(12, THREAD_FLAGS, files=1, child_files=1, mm=3, child_mm=3)
    trace.call(enter_ns, 12, syscall=CLONE, flags=THREAD_FLAGS)
    enter_ns = trace.tick()
    _forked(trace)
    trace.step(SLAB_ALLOC, "alloc_pid", "pid")
    trace.step(SLAB_FREE, "alloc_pid", "pid")
    for _ in range(3):
        trace.step(SLAB_FREE, "vm_area_free", "vm_area_struct")
    trace.step(RSS, result=1)
    trace.step(SLAB_FREE, "__mmdrop", "mm_struct")
    trace.call(enter_ns, -17, syscall=CLONE3, exit_signal=17)
    return trace
