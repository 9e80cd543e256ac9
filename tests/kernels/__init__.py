# SPDX-License-Identifier: Apache-2.0
"""Recordings on the kernels of other releases: `run` boots them, `smoke` looks in each."""
