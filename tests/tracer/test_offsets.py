# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.offsets: every token of the programs is defined, from this kernel's types."""

from __future__ import annotations

import pytest

from tracer.offsets import defines_for
from traces.errors import ProctraceError


class Types:
    """A kernel with few types."""

    def __init__(
        self,
        members: dict[tuple[str, str], int],
        arguments: tuple[str, ...] | None = ("bool", "task_struct *", "task_struct *"),
    ) -> None:
        self.members = members
        self.arguments = arguments

    def has(self, structure: str, member: str) -> bool:
        return (structure, member) in self.members

    def offset(self, structure: str, member: str) -> int:
        return self.members[structure, member]

    def struct_size(self, structure: str) -> int:
        return len(structure)

    def enum_value(self, enumeration: str, name: str) -> int:
        if name == "PG_of_another_kernel":
            raise LookupError(name)
        return len(enumeration) + len(name)

    def percpu_offset(self, variable: str) -> int | None:
        return {"runqueues": 4096}.get(variable)

    def tracepoint_arguments(self, tracepoint: str) -> tuple[str, ...] | None:
        assert tracepoint == "sched_switch"
        return self.arguments


def test_tokens_become_defines_once() -> None:
    """A struct's name ends at the first double underscore, a member may begin with more."""
    types = Types({("task_struct", "mm"): 8, ("task_struct", "__state"): 24, ("upid", "nr"): 0})
    text = "peek(t + OFF_task_struct__mm) OFF_task_struct____state OFF_upid__nr OFF_upid__nr"
    assert defines_for(text + " SIZE_upid", types).splitlines() == [
        "#define OFF_task_struct____state 24",
        "#define OFF_task_struct__mm 8",
        "#define OFF_upid__nr 0",
        "#define SIZE_upid 4",
        "#define ARG_SWITCH_PREV 1",
    ]


def test_what_may_be_absent_is_minus_one() -> None:
    """A member that a kernel is built without, an argument that a tracepoint did not have yet."""
    types = Types({("task_struct", "seccomp"): 64}, ("bool", "task_struct *", "struct other *"))
    text = "MAYBE_task_struct__seccomp MAYBE_task_struct__sysvsem ARG_sched_switch__other"
    text += " PERCPU_runqueues PERCPU_of_another_kernel BPF_PERCPU_ARRAY"
    found = defines_for(text + " ARG_sched_switch__task_struct ARG_sched_switch__gfp_t", types)
    assert "#define MAYBE_task_struct__seccomp 64\n" in found
    assert "#define PERCPU_runqueues 4096\n" in found
    assert "#define PERCPU_of_another_kernel -1\n" in found
    assert "PERCPU_ARRAY" not in found
    assert "#define MAYBE_task_struct__sysvsem -1\n" in found
    assert "#define ARG_sched_switch__other 2\n" in found
    assert "#define ARG_sched_switch__task_struct 1\n" in found
    assert "#define ARG_sched_switch__gfp_t -1\n" in found


def test_page_flags_are_looked_up_by_name() -> None:
    """Their numbers differ between kernels and configurations."""
    assert "PAGE_FLAG_PG_lru 15" in defines_for("1 << PAGE_FLAG_PG_lru", Types({}))
    absent = defines_for("PAGE_FLAG_PG_of_another_kernel", Types({}))
    assert "PAGE_FLAG_PG_of_another_kernel -1" in absent


def test_a_renamed_member_is_found_under_its_former_name() -> None:
    """task_struct.state became __state in 5.14."""
    types = Types({("task_struct", "state"): 16})
    assert "OFF_task_struct____state 16" in defines_for("OFF_task_struct____state", types)


def test_a_member_that_is_absent_is_one_clear_error() -> None:
    """Recording with a guessed offset would record nonsense."""
    with pytest.raises(ProctraceError) as caught:
        defines_for("OFF_task_struct__mm", Types({}))
    assert caught.value.why == "its BTF has no member task_struct.mm"


@pytest.mark.parametrize("arguments", [None, ("bool", "int")])
def test_a_switch_without_tasks_is_one_clear_error(arguments: tuple[str, ...] | None) -> None:
    """The position of prev differs between kernels and is looked up."""
    with pytest.raises(ProctraceError, match="prepare the recorder"):
        defines_for("", Types({}, arguments))


def test_position_of_prev_follows_the_kernel() -> None:
    """A kernel without the leading bool has prev first."""
    types = Types({}, ("task_struct *", "task_struct *"))
    assert "ARG_SWITCH_PREV 0" in defines_for("", types)
