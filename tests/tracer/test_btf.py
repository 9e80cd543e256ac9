# SPDX-License-Identifier: Apache-2.0
"""tracer.btf: offsets, sizes, enumerations and tracepoints, against BTF built by hand."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tracer.btf_builder import Builder, one_of_each
from tracer.btf import RUNNING_KERNEL, BitPosition, Btf, BtfLookupError
from tracer.btf_format import BtfError

if TYPE_CHECKING:
    from pathlib import Path

running = pytest.mark.skipif(not RUNNING_KERNEL.exists(), reason="this kernel shows no BTF")


def nested() -> Btf:
    """Give struct outer { int first; const struct { int a; inner_t; }; } with inner_t a union."""
    builder = Builder()
    number = builder.integer("int")
    union = builder.structure("", [("x", number, 0), ("y", number, 32)], size=8, union=True)
    inner = builder.add(8, "inner_t", size_or_type=union)
    middle = builder.structure("", [("a", number, 0), ("", inner, 64)], size=16)
    constant = builder.add(10, size_or_type=middle)
    builder.structure("outer", [("first", number, 0), ("", constant, 64)], size=24)
    return Btf(builder.build())


def test_members_of_anonymous_members() -> None:
    """Offsets add up through anonymous structures, unions, const and typedef."""
    types = nested()
    offsets = [types.offset("outer", member) for member in ("first", "a", "x", "y")]
    assert offsets == [0, 8, 16, 20]
    assert types.struct_size("outer") == 24


@pytest.mark.parametrize(
    ("struct_name", "member", "said"),
    [("outer", "nothing", "struct outer: nothing"), ("no_such", "x", "struct no_such")],
)
def test_what_is_not_there_is_named(struct_name: str, member: str, said: str) -> None:
    """The error is a LookupError that names structure and member."""
    types = nested()
    assert not types.has(struct_name, member)
    with pytest.raises(BtfLookupError) as caught:
        types.offset(struct_name, member)
    assert isinstance(caught.value, LookupError)
    assert said in caught.value.what


def test_bit_fields_with_kind_flag() -> None:
    """The width is in the member's upper eight bits; there is no byte offset."""
    builder = Builder()
    number = builder.integer("int")
    members = [("whole", number, 0), ("flag", number, 1 << 24 | 35)]
    builder.structure("flags", members, flag=True)
    types = Btf(builder.build())
    assert types.offset("flags", "whole") == 0
    assert types.bit_position("flags", "flag") == BitPosition(byte=4, bit=3, width=1)
    with pytest.raises(BtfLookupError) as caught:
        types.offset("flags", "flag")
    assert "bit-field" in caught.value.why


def test_bit_fields_without_kind_flag() -> None:
    """The width is in the member's INT type, which may itself begin at a later bit."""
    builder = Builder()
    narrow = builder.integer("int", bits=2, shift=5)
    builder.structure("flags", [("two", narrow, 32)])
    types = Btf(builder.build())
    assert types.bit_position("flags", "two") == BitPosition(byte=4, bit=5, width=2)


def test_enumerations() -> None:
    """Signed values of 32 bits, unsigned ones of 64."""
    types = Btf(one_of_each().build())
    assert types.enum_value("colour", "RED") == 0
    assert types.enum_value("colour", "BLUE") == -7
    assert types.enum_value("wide", "HUGE") == 0x80000000 << 32 | 1
    with pytest.raises(BtfLookupError) as caught:
        types.enum_value("colour", "GREEN")
    assert caught.value.what.startswith("enum colour: GREEN")


def test_functions() -> None:
    """Only functions count, not variables or types of that name."""
    types = Btf(one_of_each().build())
    assert types.function_exists("do_it")
    assert not types.function_exists("variable")
    assert not types.function_exists("o_it")


def test_tracepoint_arguments() -> None:
    """The first argument, __data, is left out; const is not shown; pointers are spelled as C."""
    builder = Builder()
    number = builder.integer("int")
    task = builder.add(7, "task_struct")
    constant = builder.add(10, size_or_type=task)
    task_pointer = builder.add(2, size_or_type=constant)
    nothing = builder.add(2, size_or_type=0)
    text = builder.add(2, size_or_type=builder.integer("char", 1))
    texts = builder.add(2, size_or_type=text)
    long_name = builder.add(8, "u64", size_or_type=number)
    callback = builder.add(2, size_or_type=builder.prototype([]))
    arguments = [nothing, number, task_pointer, texts, long_name, nothing, callback]
    pointer = builder.add(2, size_or_type=builder.prototype(arguments))
    builder.add(8, "btf_trace_event", size_or_type=pointer)
    types = Btf(builder.build())
    expected = ("int", "struct task_struct *", "char **", "u64", "void *", "function *")
    assert types.tracepoint_arguments("event") == expected
    assert types.tracepoint_arguments("other") is None


def test_variables_of_each_cpu() -> None:
    """They are found in their section alone, whatever else has their name."""
    builder = Builder()
    integer = builder.integer("int")
    linkage = struct.pack("<I", 1)
    first = builder.add(14, "first", size_or_type=integer, tail=linkage)
    second = builder.add(14, "second", size_or_type=integer, tail=linkage)
    builder.add(14, "other", size_or_type=integer, tail=linkage)
    tail = struct.pack("<IIIIII", first, 4096, 4, second, 8192, 4)
    builder.add(15, ".data..percpu", vlen=2, tail=tail)
    btf = Btf(builder.build())
    assert [btf.percpu_offset(name) for name in ("first", "second", "other", "none")] == [
        4096, 8192, None, None,
    ]  # fmt: skip
    assert Btf(one_of_each().build()).percpu_offset("first") is None


def test_a_structure_within_itself_is_refused() -> None:
    """Damaged input with a loop gives the typed error, not endless recursion."""
    builder = Builder()
    builder.structure("loop", [("", 1, 0)])
    with pytest.raises(BtfError):
        Btf(builder.build()).offset("loop", "x")


def test_typedefs_that_go_in_a_circle_are_refused() -> None:
    """As above for types that modify each other."""
    builder = Builder()
    builder.add(8, "a", size_or_type=2)
    builder.add(10, size_or_type=1)
    builder.structure("loop", [("", 1, 0)])
    with pytest.raises(BtfError):
        Btf(builder.build()).offset("loop", "x")


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.integers(0, 5))
def test_offsets_of_any_layout(widths: list[int], depth: int) -> None:
    """A structure of byte-sized members, wrapped in anonymous ones, gives back its layout."""
    builder = Builder()
    byte = builder.integer("char", 1)
    places = [sum(widths[:index]) for index in range(len(widths))]
    members = [(f"m{place}", byte, 8 * place) for place in places]
    for _ in range(depth):
        members = [("", builder.structure("", members), 16)]
    builder.structure("any", members)
    types = Btf(builder.build())
    assert [types.offset("any", f"m{at}") - 2 * depth for at in places] == places


def test_no_btf(tmp_path: Path) -> None:
    """A kernel that shows no BTF gives an error that says what is needed."""
    with pytest.raises(BtfError) as caught:
        Btf.running(tmp_path / "vmlinux")
    assert "CONFIG_DEBUG_INFO_BTF" in caught.value.hint


_USER_STRUCTURES = {
    "clone_args": ("flags", "pidfd", "exit_signal", "set_tid", "cgroup"),
    "rusage": ("ru_utime", "ru_maxrss", "ru_minflt", "ru_nivcsw"),
    "sched_attr": ("size", "sched_nice", "sched_period"),
    "taskstats": ("ac_exitcode", "ac_comm", "ac_minflt", "read_bytes"),
}
"""Structures of the kernel's user interface, which a C compiler knows as well."""


@running
def test_the_running_kernel_agrees_with_the_c_compiler(tmp_path: Path) -> None:
    """Offsets in the running kernel's BTF are those that gcc gives the same structures."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc")
    asked = [(name, member) for name, members in _USER_STRUCTURES.items() for member in members]
    lines = [f'printf("%zu\\n", offsetof(struct {name}, {member}));' for name, member in asked]
    source = tmp_path / "offsets.c"
    includes = ("stddef.h", "stdio.h", "linux/sched.h", "linux/sched/types.h", "linux/resource.h")
    text = "".join(f"#include <{header}>\n" for header in (*includes, "linux/taskstats.h"))
    source.write_text(text + "int main(void) {" + "".join(lines) + "}\n")
    subprocess.run(["gcc", "-o", tmp_path / "offsets", source], check=True)
    printed = subprocess.run([tmp_path / "offsets"], check=True, capture_output=True).stdout
    types = Btf.running()
    assert [types.offset(*pair) for pair in asked] == [int(line) for line in printed.split()]


@running
def test_the_running_kernel_agrees_with_bpftool() -> None:
    """Every direct member of some large structures is where bpftool says it is."""
    if shutil.which("bpftool") is None:
        pytest.skip("no bpftool to compare with (apt install bpftool)")
    command = ["bpftool", "-j", "btf", "dump", "file", str(RUNNING_KERNEL)]
    dump = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["types"]
    wanted = {"task_struct", "mm_struct", "signal_struct", "linux_binprm", "cred", "pid"}
    types, compared = Btf.running(), 0
    for entry in dump:
        if entry["kind"] == "STRUCT" and entry["name"] in wanted:
            wanted.discard(entry["name"])
            for member in entry["members"]:
                if member["name"] not in ("", "(anon)"):
                    place = types.bit_position(entry["name"], member["name"])
                    assert 8 * place.byte + place.bit == member["bits_offset"]
                    compared += 1
    assert compared > 200


@running
def test_the_running_kernel() -> None:
    """What the recorder relies on of every kernel it supports."""
    types = Btf.running()
    arguments = types.tracepoint_arguments("task_newtask")
    assert arguments is not None
    assert arguments[0] == "struct task_struct *"
    assert types.function_exists("wake_up_new_task")
    assert types.has("task_struct", "mm")
    assert types.struct_size("list_head") == 2 * struct.calcsize("P")
