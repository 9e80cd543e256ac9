# SPDX-License-Identifier: Apache-2.0
"""The tables of a trace, a module for each subject; joined in `traces.schema`."""
