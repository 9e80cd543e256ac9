# SPDX-License-Identifier: Apache-2.0
"""The steps within calls of the clone family: windows, named events, ladders, what they cost."""
