# SPDX-License-Identifier: Apache-2.0
"""tracer.invoker: whose command it is under sudo."""

from __future__ import annotations

import os
import pwd

import pytest

from tracer.invoker import InvokingUser, invoking_user

SUDO = {"SUDO_UID": "65534", "SUDO_GID": "65534", "SUDO_USER": "nobody"}


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the effective user be root, as sudo does."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)


@pytest.mark.usefixtures("as_root")
def test_the_user_behind_sudo() -> None:
    """All of it comes from the user database."""
    user = invoking_user(SUDO)
    entry = pwd.getpwuid(65534)
    assert user is not None
    assert (user.name, user.uid, user.gid) == (entry.pw_name, 65534, 65534)
    assert (user.home, user.shell) == (entry.pw_dir, entry.pw_shell)
    assert 65534 in user.groups


@pytest.mark.usefixtures("as_root")
def test_a_user_the_database_does_not_have() -> None:
    """The ids are enough; the only group is the one sudo named."""
    user = invoking_user({"SUDO_UID": "3999999999", "SUDO_GID": "12", "SUDO_USER": "gone"})
    assert user == InvokingUser("gone", 3999999999, 12, (12,), "/", "/bin/sh")


@pytest.mark.usefixtures("as_root")
@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"SUDO_UID": "65534"},
        {"SUDO_UID": "x", "SUDO_GID": "1"},
        {"SUDO_UID": "-1", "SUDO_GID": "1"},
        {"SUDO_UID": "0", "SUDO_GID": "0"},
    ],
)
def test_root_without_sudo(environment: dict[str, str]) -> None:
    """Then the command is root's, and variables that make no sense say nothing."""
    assert invoking_user(environment) is None


def test_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is not root cannot become another user; SUDO_* may be left over."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert invoking_user(SUDO) is None


def test_the_users_environment() -> None:
    """SUDO_* go, HOME and the like become the user's own, the rest stays."""
    user = InvokingUser("me", 1000, 1000, (), "/home/me", "/bin/zsh")
    given = {**SUDO, "HOME": "/root", "PATH": "/bin", "EDITOR": "vi"}
    assert user.environment(given) == {
        "PATH": "/bin",
        "EDITOR": "vi",
        "HOME": "/home/me",
        "USER": "me",
        "LOGNAME": "me",
        "SHELL": "/bin/zsh",
    }
