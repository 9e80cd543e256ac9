# SPDX-License-Identifier: Apache-2.0
"""Scenarios: what processes are to do, written in YAML, and the flat plan that is executed."""
