# SPDX-License-Identifier: Apache-2.0
"""How far figures may be apart."""

from __future__ import annotations

import pytest

from replay.compare.tolerance import Tolerance, check_names, covered, parse_tolerances
from traces.errors import ProctraceError


def test_amounts_and_percents() -> None:
    """Of what is expected, in both directions."""
    amount, percent = parse_tolerances(["copied=2", "heap/copied=10%"])
    assert (amount, percent) == (Tolerance("copied", 2, percent=False),
                                 Tolerance("heap/copied", 10, percent=True))  # fmt: skip
    assert [amount.covers(["copied"], actual, 5) for actual in (2, 3, 7, 8)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert [percent.covers(["heap/copied"], actual, 50) for actual in (44, 45, 55, 56)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert not amount.covers(["reused"], 5, 5)
    assert covered((amount, percent), ("x", "heap/copied"), 99, 100)


@pytest.mark.parametrize("setting", ["copied", "copied=", "copied=-1", "=1", "copied=1.5", ""])
def test_others_are_refused(setting: str) -> None:
    """They give no number."""
    with pytest.raises(ProctraceError, match="cannot use --tolerance"):
        parse_tolerances([setting])


def test_a_figure_that_nobody_has_is_refused() -> None:
    """It would never be used."""
    check_names([Tolerance("copied", 1, percent=False)], {"copied", "heap/copied"})
    with pytest.raises(ProctraceError) as caught:
        check_names([Tolerance("copyed", 1, percent=False)], {"copied", "heap/copied"})
    assert caught.value.why == "there are copied"
    assert caught.value.hint == "did you mean 'copied'?"
