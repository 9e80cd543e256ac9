# SPDX-License-Identifier: Apache-2.0
"""Page faults offline: classes, address spaces, mappings, page histories and what forks cost."""
