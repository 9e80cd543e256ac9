# SPDX-License-Identifier: Apache-2.0
"""Process histories made up for tests, told in sentences and recorded without a kernel."""
