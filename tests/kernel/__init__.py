# SPDX-License-Identifier: Apache-2.0
"""Recordings of real processes by the real command line."""
