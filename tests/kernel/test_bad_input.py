# SPDX-License-Identifier: Apache-2.0
"""Recordings that cannot begin: one clear error each, with the documented status, and no file."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.errors import the_error
from tests.kernel.recording import PROCTRACE, clean_environment, proctrace
from tests.kernel.unprivileged import ROOT, without_privilege

if TYPE_CHECKING:
    from pathlib import Path

NO_PRIVILEGE, OWN_FAILURE, CANNOT_EXECUTE, NOT_FOUND = 77, 125, 126, 127

MAIN = "import proctrace, sys; sys.exit(proctrace.main())"
WITHOUT_BCC = f"import sys; sys.modules['bcc'] = None; {MAIN}"


def _run(
    *command: str | Path, where: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    environment = clean_environment() | (where or {})
    return subprocess.run(command, check=False, capture_output=True, cwd=ROOT, env=environment)


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("no-such-command", NOT_FOUND),
        ("/no/such/command", NOT_FOUND),
        ("", NOT_FOUND),
        ("/etc/passwd", CANNOT_EXECUTE),
        ("/etc", CANNOT_EXECUTE),
    ],
)
def test_commands_that_cannot_run(tmp_path: Path, command: str, status: int) -> None:
    """Not found or not executable, as a shell would say it; no trace is left behind."""
    path = tmp_path / "none.ptrace"
    the_error(proctrace("record", "-o", path, "--", command), status)
    assert not path.exists()


def test_a_script_whose_interpreter_is_missing(tmp_path: Path) -> None:
    """The kernel's ENOENT is about the interpreter, and the error says so."""
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o700)
    done = proctrace("record", "-o", tmp_path / "x.ptrace", "--", script)
    assert "/no/such/interpreter" in the_error(done, CANNOT_EXECUTE)


def test_the_output_exists(tmp_path: Path) -> None:
    """It is left as it was; -f overwrites it."""
    path = tmp_path / "precious"
    path.write_bytes(b"precious")
    the_error(proctrace("record", "-o", path, "--", "true"), OWN_FAILURE)
    assert path.read_bytes() == b"precious"
    assert proctrace("record", "-f", "-o", path, "--", "true").returncode == 0
    assert path.read_bytes() != b"precious"
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_output_is_a_link(tmp_path: Path) -> None:
    """A link is not followed: what it points to stays as it was, with -f too."""
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"precious")
    link.symlink_to(target)
    the_error(proctrace("record", "-o", link, "--", "true"), OWN_FAILURE)
    proctrace("record", "-f", "-o", link, "--", "true")
    assert target.read_bytes() == b"precious"


@pytest.mark.parametrize("folder", ["/no/such/folder", "/sys", "/dev/null"])
def test_the_output_cannot_be_created(folder: str) -> None:
    """No folder, one that nobody can write in, and something that is no folder."""
    the_error(proctrace("record", "-o", f"{folder}/x.ptrace", "--", "true"), OWN_FAILURE)


def test_the_command_does_not_run_when_recording_cannot_begin(tmp_path: Path) -> None:
    """What is to be recorded must not happen unrecorded."""
    mark = tmp_path / "ran"
    the_error(proctrace("record", "-o", "/sys/x.ptrace", "--", "touch", mark), OWN_FAILURE)
    assert not mark.exists()


def test_a_device_that_is_full(tmp_path: Path) -> None:
    """Nothing can be written from the beginning, so nothing runs."""
    mark = tmp_path / "ran"
    done = proctrace("record", "-f", "-o", "/dev/full", "--", "touch", mark)
    the_error(done, OWN_FAILURE)
    assert not mark.exists()


def test_a_disk_that_becomes_full(tmp_path: Path, programs: Path) -> None:
    """The command goes on to its end, and what was recorded until then stays readable."""
    disk, saved, mark = tmp_path / "disk", tmp_path / "saved.ptrace", tmp_path / "ran"
    disk.mkdir()
    path = disk / "x.ptrace"
    mount = f"mount -t tmpfs -o size=64k none '{disk}'"
    work = f"'{programs}/storm' 20000; touch '{mark}'"
    save = f"status=$?; cp '{path}' '{saved}'; exit $status"
    script = f'{mount}; {PROCTRACE} record -o {path} -- sh -c "{work}"; {save}'
    error = the_error(_run("unshare", "--mount", "sh", "-c", script), OWN_FAILURE)
    assert "No space left on device" in error
    assert mark.exists()
    shown = proctrace("replay", saved)
    assert shown.returncode == 0, shown.stderr


def test_the_target_is_gone(tmp_path: Path) -> None:
    """A pid that was reaped."""
    with subprocess.Popen(["true"]) as process:
        process.wait()
    path = tmp_path / "x.ptrace"
    done = proctrace("record", "-o", path, "-p", str(process.pid))
    assert str(process.pid) in the_error(done, OWN_FAILURE)
    assert not path.exists()


def test_the_target_is_a_zombie(tmp_path: Path) -> None:
    """It will never do anything any more, so there is nothing to wait for."""
    with subprocess.Popen(["true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        done = proctrace("record", "-o", tmp_path / "x.ptrace", "-p", str(process.pid))
        assert done.returncode == 0, done.stderr


def test_there_is_no_such_cgroup(tmp_path: Path) -> None:
    """Nothing is wrong with the disk."""
    path = tmp_path / "x.ptrace"
    done = proctrace("record", "-o", path, "--cgroup", tmp_path)
    assert str(tmp_path) in the_error(done, OWN_FAILURE)
    assert not path.exists()


def test_too_few_descriptors(tmp_path: Path) -> None:
    """No recording is better than one without some hook that the kernel does have."""
    path, mark = tmp_path / "x.ptrace", tmp_path / "ran"
    command = (PROCTRACE, "record", "-o", path, "--", "touch", mark)
    done = _run("sh", "-c", 'ulimit -n 40; exec "$@"', "sh", *command)
    assert "Too many open files" in the_error(done, OWN_FAILURE)
    assert not path.exists()
    assert not mark.exists()


def test_more_descriptors_may_be_had(tmp_path: Path) -> None:
    """The recorder raises its soft limit, and the command keeps its own."""
    command = (PROCTRACE, "record", "-o", tmp_path / "x.ptrace", "--", "sh", "-c", "ulimit -n")
    done = _run("sh", "-c", 'ulimit -S -n 40; exec "$@"', "sh", *command)
    assert (done.returncode, done.stdout) == (0, b"40\n"), done.stderr


def test_without_privilege(tmp_path: Path) -> None:
    """Status 77, and how to get the privilege."""
    command = [*without_privilege(), PROCTRACE, "record", "-o", str(tmp_path / "x"), "--", "true"]
    assert "sudo" in the_error(_run(*command), NO_PRIVILEGE)


def test_without_bcc(tmp_path: Path) -> None:
    """The hint names the package, and that it comes from the distribution."""
    path = tmp_path / "x.ptrace"
    done = _run(sys.executable, "-c", WITHOUT_BCC, "record", "-o", path, "--", "true")
    assert "python3-bpfcc" in the_error(done, OWN_FAILURE)
    assert not path.exists()


def test_with_the_impostor_of_that_name(tmp_path: Path) -> None:
    """The PyPI project "bcc" imports without error and is something else."""
    (tmp_path / "bcc").mkdir()
    (tmp_path / "bcc" / "__init__.py").write_text("lattice = 'body-centred cubic'\n")
    command = (sys.executable, "-c", MAIN, "record", "-o", tmp_path / "x.ptrace", "--", "true")
    error = the_error(_run(*command, where={"PYTHONPATH": str(tmp_path)}), OWN_FAILURE)
    assert "python3-bpfcc" in error
    assert str(tmp_path) in error


def _in_own_mounts(script: str, *command: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run a command in a mount namespace that a shell script has changed."""
    return _run("unshare", "--mount", "sh", "-c", f'{script}; exec "$@"', "sh", *command)


def test_without_btf(tmp_path: Path) -> None:
    """A kernel that does not describe its structures."""
    hide = "mount -t tmpfs none /sys/kernel/btf"
    command = (PROCTRACE, "record", "-o", tmp_path / "x.ptrace", "--", "true")
    assert "CONFIG_DEBUG_INFO_BTF" in the_error(_in_own_mounts(hide, *command), OWN_FAILURE)


def test_tracefs_is_not_needed(tmp_path: Path) -> None:
    """Raw tracepoints are attached by name, so a host without tracefs records all the same."""
    hide = "for at in /sys/kernel/tracing /sys/kernel/debug; do umount -l $at 2>/dev/null; done"
    done = _in_own_mounts(hide, PROCTRACE, "record", "-o", tmp_path / "x.ptrace", "--", "true")
    assert done.returncode == 0, done.stderr
