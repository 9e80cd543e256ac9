# SPDX-License-Identifier: Apache-2.0
"""Choosing a model for a kernel."""

from __future__ import annotations

import pytest

from replay.model.load import bundled_models, changes_between, load_model, model_for


@pytest.mark.parametrize(
    ("release", "name", "note"),
    [
        ("5.10.0-8-amd64", "linux-5.10", ""),
        ("5.13.19", "linux-5.10", ""),
        ("5.14.0", "linux-5.15", ""),
        ("6.1.0-56-amd64", "linux-6.1", ""),
        ("6.12.117+deb12", "linux-6.12", ""),
        ("6.14-rc1", "linux-6.12", ""),
        ("6.18.44", "linux-6.18", ""),
        ("6.19.1", "linux-6.18", ""),
        ("7.2-rc1", "linux-7.1", "no model is as new as Linux 7.2: linux-7.1 is taken"),
        ("7.1.0", "linux-7.1", ""),
        ("4.19.0", "linux-5.10", "no model is as old as Linux 4.19.0: linux-5.10 is taken"),
        ("", "linux-7.1", "the trace does not say its kernel (''): the newest model is taken"),
        ("6", "linux-7.1", "the trace does not say its kernel ('6'): the newest model is taken"),
    ],
)  # fmt: skip
def test_the_model_of_a_kernel(release: str, name: str, note: str) -> None:
    """The newest that is not newer; else one that is near, and a word on it."""
    choice = model_for(release)
    assert (choice.model.name, choice.note) == (name, note)


def test_kernels_are_in_order() -> None:
    """And the book is no kernel's."""
    kernels = [model.kernel for model in bundled_models()]
    known = [kernel for kernel in kernels if kernel]
    assert known == sorted(set(known))
    assert kernels[-1] is None


def test_notes_on_the_way_from_one_to_another() -> None:
    """Oldest first, the same in both directions; none between models that do not extend."""
    old, new = load_model("linux-5.15"), load_model("linux-6.1")
    found = changes_between(old, new)
    assert found == (*load_model("linux-5.19").changes, *new.changes)
    assert changes_between(new, old) == found
    assert changes_between(load_model("textbook"), new) == ()
