# SPDX-License-Identifier: Apache-2.0
"""Tests of the offline analysis of page faults."""
