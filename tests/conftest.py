# SPDX-License-Identifier: Apache-2.0
"""What all tests share: a terminal of fixed size without colour, and the gate of kernel tests."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.possible import why_no_recording

KERNEL_TESTS_VARIABLE = "PROCTRACE_KERNEL_TESTS"
"""Unset: kernel tests run where a recording is possible. 1: they must run. 0: they do not."""


# Its assertions are about recordings, as those of the tests are.
pytest.register_assert_rewrite("tests.kernel.recording")

# How long an example takes says more about the machine than about the code.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("same examples", settings.get_profile("any machine"), derandomize=True)
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE", "PY_COLORS"):
        monkeypatch.delenv(name, raising=False)


def pytest_configure() -> None:
    """Refuse a value of the variable that says neither yes nor no."""
    value = os.environ.get(KERNEL_TESTS_VARIABLE)
    if value not in (None, "0", "1"):
        message = f"{KERNEL_TESTS_VARIABLE} is {value!r}; it may be 0, 1 or unset"
        raise pytest.UsageError(message)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a kernel test where it was not asked for, or cannot run and need not."""
    if item.get_closest_marker("kernel") is None:
        return
    value = os.environ.get(KERNEL_TESTS_VARIABLE)
    if value == "0":
        pytest.skip(f"{KERNEL_TESTS_VARIABLE}=0")
    reason = why_no_recording() if value is None else None
    if reason is not None:
        pytest.skip(f"no recording is possible here: {reason}")
