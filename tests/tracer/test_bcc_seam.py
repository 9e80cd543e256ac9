# SPDX-License-Identifier: Apache-2.0
"""tracer.bcc_seam: the wrong bcc, and failures of the compiler and the verifier."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.tracer.fake_bcc import install
from tracer import bcc_seam, object_cache
from tracer.kept_programs import KeptPrograms
from traces.errors import STATUS_OWN_FAILURE, ProctraceError

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = """
BPF_HASH(counts, u32, u64, 8);
int on_task_newtask(struct bpf_raw_tracepoint_args *ctx) {
    u32 key = 1;
    u64 one = 1, *count = counts.lookup(&key);
    if (count) __sync_fetch_and_add(count, 1); else counts.update(&key, &one);
    return 0;
}
int on_many_arguments(struct bpf_raw_tracepoint_args *ctx) { return ctx->args[11] == 1; }
int on_bad_pointer(struct bpf_raw_tracepoint_args *ctx) { return *(u64 *)ctx->args[0]; }
"""


@contextmanager
def compiled(text: str = PROGRAM) -> Iterator[bcc_seam.Bpf]:
    """Compile a program and free it again."""
    bpf = bcc_seam.compile_program(text)
    try:
        yield bpf
    finally:
        bpf.cleanup()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep compiled programs in a folder of the test's own."""
    monkeypatch.setattr(object_cache, "place", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture(params=["bcc", "kept"])
def way(request: pytest.FixtureRequest) -> str:
    """Give by whom programs are loaded: bcc, or ourselves as they were compiled before."""
    if request.param == "kept":
        with compiled():
            pass
    return str(request.param)


def log_of(error: ProctraceError) -> str:
    """Give the log that an error's hint names, and remove it."""
    path = Path(error.hint.split()[-1])
    text = path.read_text()
    path.unlink()
    return text


def test_no_bcc(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Debian package is named."""
    monkeypatch.setitem(sys.modules, "bcc", None)
    with pytest.raises(ProctraceError) as caught:
        bcc_seam.import_bcc()
    assert caught.value.what == "bcc is not installed"
    assert "python3-bpfcc" in caught.value.hint


def test_the_impostor(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package of that name on PyPI imports, but is another thing."""
    install(monkeypatch, Lattice=object)
    with pytest.raises(ProctraceError) as caught:
        bcc_seam.compile_program("")
    assert "PyPI" in caught.value.why
    assert caught.value.hint.startswith("pip uninstall bcc")


@pytest.mark.parametrize(
    "line",
    [
        "raise OSError('libbcc.so.0: cannot open shared object file')",
        "import no_such_module_of_bcc",
        "raise AttributeError('libbcc.so.0: undefined symbol: bpf_module_create_c')",
    ],
)
def test_a_broken_bcc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """A bcc that does not find its library, or half of itself, is installed but broken."""
    (tmp_path / "bcc.py").write_text(line + "\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "bcc", raising=False)
    with pytest.raises(ProctraceError) as caught:
        bcc_seam.import_bcc()
    assert "does not work" in caught.value.what
    assert "bcc" in caught.value.why


@pytest.mark.kernel
def test_a_program_runs_and_its_map_is_read(way: str, capfd: pytest.CaptureFixture[str]) -> None:
    """GIVEN a program that counts new tasks, WHEN one is created, THEN its map shows it."""
    # GIVEN
    before = os.environ.get("BCC_KERNEL_SOURCE")
    with compiled() as bpf:
        assert isinstance(bpf, KeptPrograms) == (way == "kept")
        function = bcc_seam.load_raw_tracepoint(bpf, "on_task_newtask")
        bcc_seam.attach(bpf, "task_newtask", "on_task_newtask")
        # WHEN
        os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
        bcc_seam.detach(bpf, "task_newtask")
        # THEN
        counts = bpf[b"counts"]
        assert counts[counts.Key(1)].value >= 1
        assert bcc_seam.program_info(function.fd).name == "on_task_newtask"[:15]
    assert os.environ.get("BCC_KERNEL_SOURCE") == before
    assert capfd.readouterr().err == ""


@pytest.mark.kernel
def test_the_users_own_header_folder_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """BCC_KERNEL_SOURCE is ours while compiling only."""
    monkeypatch.setenv("BCC_KERNEL_SOURCE", "/no/such/folder")
    with compiled():
        assert os.environ["BCC_KERNEL_SOURCE"] == "/no/such/folder"


@pytest.mark.kernel
def test_what_does_not_compile(capfd: pytest.CaptureFixture[str]) -> None:
    """Clang's messages are in the log with the program, and not on the terminal."""
    with pytest.raises(ProctraceError) as caught:
        bcc_seam.compile_program("int on_x(void *ctx) { return no_such_name; }")
    assert caught.value.status == STATUS_OWN_FAILURE
    log = log_of(caught.value)
    assert "undeclared identifier" in log
    assert log.endswith("return no_such_name; }")
    assert capfd.readouterr().err == ""


@pytest.mark.kernel
def test_what_the_verifier_refuses(way: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The verifier's log is kept, whoever loads."""
    assert way
    with compiled() as bpf, pytest.raises(ProctraceError) as caught:
        bcc_seam.load_raw_tracepoint(bpf, "on_bad_pointer")
    assert "on_bad_pointer" in caught.value.what
    assert "R1" in log_of(caught.value)
    assert capfd.readouterr().err == ""


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("tracepoint", "function", "code"),
    [
        ("no_such_tracepoint", "on_task_newtask", errno.ENOENT),
        ("task_newtask", "on_many_arguments", errno.EINVAL),
    ],
)
def test_what_cannot_be_attached(
    way: str, capfd: pytest.CaptureFixture[str], tracepoint: str, function: str, code: int
) -> None:
    """The kernel's errno is told apart, and the other programs can go on."""
    assert way
    with compiled() as bpf:
        bcc_seam.load_raw_tracepoint(bpf, function)
        with pytest.raises(bcc_seam.HookRefused) as caught:
            bcc_seam.attach(bpf, tracepoint, function)
        bcc_seam.attach(bpf, "task_newtask", "on_task_newtask")
    assert caught.value.errno == code
    assert str(code) in caught.value.why
    assert capfd.readouterr().err == ""


@pytest.mark.kernel
def test_without_standard_error() -> None:
    """A closed descriptor 2, as some daemons have, stays closed and disturbs nothing."""
    saved = os.dup(2)
    os.close(2)
    try:
        with compiled():
            pass
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(2)
    finally:
        os.dup2(saved, 2)
        os.close(saved)


@pytest.mark.kernel
def test_what_was_compiled_before_is_not_compiled_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same text by the same bcc gives the same instructions, without clang."""
    with compiled() as first, compiled() as second:
        codes = [[bytes(code) for code in bcc_seam.instructions(bpf)] for bpf in (first, second)]
        assert isinstance(second, KeptPrograms)
        assert [len(code) for code in codes[0]] == [len(code) for code in codes[1]]
        assert codes[0] != codes[1], "both name maps of their own"
    with compiled(PROGRAM.replace("u64 one = 1", "u64 one = 2")) as other:
        assert not isinstance(other, KeptPrograms)
    monkeypatch.setattr("bcc.__version__", "0.0.1")
    with compiled() as by_another:
        assert not isinstance(by_another, KeptPrograms)
    assert len(list(folder.iterdir())) == 3


def test_what_the_kernel_said_is_kept() -> None:
    """Programs that were compiled before raise it themselves; bcc does not."""
    assert bcc_seam._errno_of(OSError(24, "Too many open files")) == 24  # noqa: SLF001
    ctypes.set_errno(22)
    assert bcc_seam._errno_of(Exception("Failed to attach")) == 22  # noqa: SLF001
