# SPDX-License-Identifier: Apache-2.0
"""Renderers: values of replay in, text or JSON out. They open no files and compute no history."""
