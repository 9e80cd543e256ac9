# SPDX-License-Identifier: Apache-2.0
"""The tests: each folder mirrors a room; `kernel` and `bench` need root and BPF."""
