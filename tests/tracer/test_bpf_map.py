# SPDX-License-Identifier: Apache-2.0
"""tracer.bpf_map: types as bcc describes them, and maps as the kernel has them."""

from __future__ import annotations

import ctypes
import resource
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tracer import bpf_map, bpf_syscall
from tracer.bpf_map import BpfMap, MapShape, cpu_numbers, ctypes_of

if TYPE_CHECKING:
    from pathlib import Path

HASH, ARRAY, PER_CPU_ARRAY = 1, 2, 6
PAIR = [
    "pair",
    [
        ["count", "unsigned long long"],
        ["name", "char", [3]],
        ["inner", [["small", "unsigned short"]], "struct_packed"],
        ["__pad_3", "char", [3]],
    ],
    "struct_packed",
]


def pairs(kind: int, entries: int = 4) -> BpfMap:
    """Create a map of numbers to pairs."""
    return BpfMap(MapShape("pairs", kind, 4, 16, entries, 0, "unsigned int", PAIR))


def test_a_structure_lies_as_it_does_in_c() -> None:
    """Padding is spelled out, so nothing may be added."""
    kind = ctypes_of(PAIR)
    assert ctypes.sizeof(kind) == 16
    assert (kind.count.offset, kind.name.offset, kind.inner.offset) == (0, 8, 11)
    value = kind.from_buffer_copy(bytes(range(16)))
    assert value.inner.small == 0x0C0B


def test_a_union_has_all_at_its_beginning() -> None:
    """As in C."""
    kind: Any = ctypes_of(["either", [["a", "int"], ["b", "unsigned long long"]], "union"])
    assert ctypes.sizeof(kind) == 8
    assert (kind.a.offset, kind.b.offset) == (0, 0)


@pytest.mark.parametrize("unknown", ["struct nobody", ["x", [["bits", "int", 3]], "struct"]])
def test_a_type_that_is_not_known(unknown: Any) -> None:  # noqa: ANN401 - JSON
    """It is refused and not guessed; bit-fields, too."""
    with pytest.raises(ValueError, match=r"nobody|bits"):
        ctypes_of(unknown)


@pytest.mark.parametrize(
    ("text", "numbers"), [("0\n", [0]), ("0-3\n", [0, 1, 2, 3]), ("0,2-3,8\n", [0, 2, 3, 8])]
)
def test_cpu_numbers(tmp_path: Path, text: str, numbers: list[int]) -> None:
    """Ranges and single CPUs."""
    (tmp_path / "possible").write_text(text)
    assert cpu_numbers(tmp_path / "possible") == numbers


@pytest.mark.kernel
def test_a_hash() -> None:
    """Stored, found, listed, removed."""
    with closing(pairs(HASH)) as table:
        for number in (3, 5, 9):
            table[table.Key(number)] = table.Leaf(count=number * 100)
        assert table[table.Key(5)].count == 500
        del table[table.Key(5)]
        assert {key.value: value.count for key, value in table.items()} == {3: 300, 9: 900}
        with pytest.raises(KeyError):
            table[table.Key(5)]
        with pytest.raises(KeyError):
            del table[table.Key(5)]


@pytest.mark.kernel
def test_what_vanishes_between_key_and_value_is_left_out() -> None:
    """Tasks end while their map is read."""
    with closing(pairs(HASH)) as table:
        table[table.Key(1)] = table.Leaf(count=1)
        listed = iter(table)
        key = next(listed)
        del table[key]
        assert list(listed) == []
        assert list(table.items()) == []


@pytest.mark.kernel
def test_each_cpu_has_its_own() -> None:
    """One value for each that the kernel makes room for."""
    with closing(pairs(PER_CPU_ARRAY)) as table:
        values = table[ctypes.c_int(2)]
        assert [value.count for value in values] == [0] * len(values)
        assert len(values) == len(cpu_numbers(bpf_map.POSSIBLE_CPUS))


@pytest.mark.kernel
def test_a_full_map_refuses() -> None:
    """The error is the kernel's."""
    with closing(pairs(HASH, entries=1)) as table:
        table[table.Key(1)] = table.Leaf()
        with pytest.raises(OSError, match="Argument list too long"):
            table[table.Key(2)] = table.Leaf()


def test_a_limit_of_locked_memory_is_lifted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before Linux 5.11 the kernel says EPERM for a map beyond the limit."""
    lifted: list[tuple[int, int]] = []

    def create(*_: object, name: str) -> int:
        if not lifted:
            raise PermissionError(1, name)
        return 77

    monkeypatch.setattr(bpf_syscall, "create_map", create)
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: lifted.append(limits))
    assert pairs(ARRAY).map_fd == 77
    assert lifted == [(resource.RLIM_INFINITY, resource.RLIM_INFINITY)]
