# SPDX-License-Identifier: Apache-2.0
"""Each source module has its test module at the mirrored place, and each test its source."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("replay", "tracer", "traces")
TABLES = ROOT / "traces" / "tables"
"""Values without behaviour; test_schema.py looks at each of them."""

NO_TEST_OF_ITS_OWN: dict[str, str] = {
    "replay/checks/check.py": "values without behaviour; test_registry.py looks at each of them",
    "replay/process.py": "values without behaviour; tests of the forest build them",
    "replay/scenario/scenario.py": "values without behaviour; tests of reading and steps make them",
    "tracer/actor/script.py": "values without behaviour; tests of acting make them",
}
"""Sources without a mirrored test module, and why."""

TESTS_OF_THE_WHOLE = {"test_bad_input.py", "test_mirror.py", "test_samples.py"}
"""Test modules directly in tests/ that mirror no single source."""


def _sources() -> set[str]:
    """Give every public module, relative to the root."""
    found = {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if not path.name.startswith("_") and path.parent != TABLES
    }
    return found | {path.name for path in ROOT.glob("*.py")}


def _test_of(source: str) -> str:
    path = Path(source)
    return (path.parent / f"test_{path.name}").as_posix()


def _tests() -> set[str]:
    """Give every test module that should mirror a source, relative to tests/."""
    tests = ROOT / "tests"
    found = {
        path.relative_to(tests).as_posix()
        for room in ROOMS
        for path in (tests / room).rglob("test_*.py")
    }
    return found | ({path.name for path in tests.glob("test_*.py")} - TESTS_OF_THE_WHOLE)


def test_every_source_has_a_test_module() -> None:
    """A module without tests is named in NO_TEST_OF_ITS_OWN with the reason, or fails here."""
    tests = _tests()
    missing = {source for source in _sources() if _test_of(source) not in tests}
    assert missing - set(NO_TEST_OF_ITS_OWN) == set()


def test_every_test_module_has_a_source() -> None:
    """A test module that mirrors nothing is in the wrong place."""
    assert _tests() - {_test_of(source) for source in _sources()} == set()


def test_exemptions_are_needed() -> None:
    """An exemption for a module that is gone, or that has a test module by now, is stale."""
    sources, tests = _sources(), _tests()
    stale = {
        source
        for source in NO_TEST_OF_ITS_OWN
        if source not in sources or _test_of(source) in tests
    }
    assert stale == set()
