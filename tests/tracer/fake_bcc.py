# SPDX-License-Identifier: Apache-2.0
"""Puts something else in the place of the module bcc."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def install(monkeypatch: pytest.MonkeyPatch, **attributes: object) -> None:
    """Have `import bcc` give a module with just these attributes."""
    module = ModuleType("bcc")
    for name, value in attributes.items():
        setattr(module, name, value)
    monkeypatch.setitem(sys.modules, "bcc", module)
