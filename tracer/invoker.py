# SPDX-License-Identifier: Apache-2.0
"""The user behind sudo, as whom the command runs and to whom the trace belongs."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class InvokingUser:
    """A user with all groups."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str
    shell: str

    def environment(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Give `environment` as the user would have it: no SUDO_*, the user's own HOME."""
        kept = {key: text for key, text in environment.items() if not key.startswith("SUDO_")}
        own = {"HOME": self.home, "USER": self.name, "LOGNAME": self.name, "SHELL": self.shell}
        return kept | own


def invoking_user(environment: Mapping[str, str] | None = None) -> InvokingUser | None:
    """Give the user who called sudo; None when not root, or root by other means than sudo."""
    variables = os.environ if environment is None else environment
    uid, gid = variables.get("SUDO_UID", ""), variables.get("SUDO_GID", "")
    if os.geteuid() != 0 or not (uid.isdecimal() and gid.isdecimal()) or int(uid) == 0:
        return None
    try:
        entry = pwd.getpwuid(int(uid))
    except KeyError:
        name = variables.get("SUDO_USER", uid)
        return InvokingUser(name, int(uid), int(gid), (int(gid),), "/", "/bin/sh")
    groups = tuple(os.getgrouplist(entry.pw_name, int(gid)))
    return InvokingUser(
        entry.pw_name, int(uid), int(gid), groups, entry.pw_dir, entry.pw_shell or "/bin/sh"
    )
