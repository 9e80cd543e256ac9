# SPDX-License-Identifier: Apache-2.0
"""Names and numbers of the kernel, against those that Python knows."""

from __future__ import annotations

import mmap
import os
import signal

from replay.scenario import words


def test_numbers_are_the_kernel_s() -> None:
    """Those that Python's modules have, too."""
    for name, number in words.ADVICE.items():
        assert number == getattr(mmap, f"MADV_{name}", number)
    assert signal.Signals(words.SIGCHLD) is signal.SIGCHLD
    assert words.ENDING_SIGNALS["KILL"] == 9
    assert words.WNOHANG == os.WNOHANG
    assert (words.WEXITED, words.WNOWAIT) == (os.WEXITED, os.WNOWAIT)
    assert words.WAIT_OPTIONS["STOPPED"] == os.WSTOPPED == os.WUNTRACED


def test_flags_are_single_bits_and_different() -> None:
    """A thread's are those that pthread_create() asks for first."""
    flags = list(words.CLONE_FLAGS.values())
    assert len(set(flags)) == len(flags)
    assert all(flag.bit_count() == 1 for flag in flags)
    names = ("VM", "FS", "FILES", "SIGHAND", "THREAD", "SYSVSEM")
    assert sum(words.CLONE_FLAGS[name] for name in names) == words.THREAD_FLAGS
