# SPDX-License-Identifier: Apache-2.0
"""The simulator: executes a scenario on a model of the kernel, and writes a trace of it."""
