# SPDX-License-Identifier: Apache-2.0
"""The program whose processes are the actors of a scenario, and what the recorder has of it."""
