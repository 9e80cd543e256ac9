# SPDX-License-Identifier: Apache-2.0
"""The offline side: rebuild from a trace what happened, judge it and show it."""
