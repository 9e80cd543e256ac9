# SPDX-License-Identifier: Apache-2.0
"""Tests of the checks; a mutated trace must violate exactly the rule it breaks."""
