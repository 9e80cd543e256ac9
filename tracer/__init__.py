# SPDX-License-Identifier: Apache-2.0
"""The live side: what the running kernel offers, the BPF programs, the recorder."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("proctrace")
except PackageNotFoundError:  # run from a checkout that was not installed
    __version__ = "0"
