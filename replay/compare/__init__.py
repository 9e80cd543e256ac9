# SPDX-License-Identifier: Apache-2.0
"""Compares what happened with what was expected, up to what neither determines."""
