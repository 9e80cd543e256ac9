# SPDX-License-Identifier: Apache-2.0
"""What recording costs, measured beside other tracers."""
