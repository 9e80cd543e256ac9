# SPDX-License-Identifier: Apache-2.0
"""Tests of the live side that need no recording."""
