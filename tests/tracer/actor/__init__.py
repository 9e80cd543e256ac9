# SPDX-License-Identifier: Apache-2.0
"""Tests of the actors' program and of what the recorder has of it; nothing here is recorded."""
