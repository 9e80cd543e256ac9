# SPDX-License-Identifier: Apache-2.0
"""Recordings on kernels of other releases: `run` boots them, `guest` records, `judge` judges."""
