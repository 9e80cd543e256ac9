# SPDX-License-Identifier: Apache-2.0
"""Reference models of process creation as data: one YAML file per kernel generation, and a book.

A file states only what differs from the model that it `extends`. `load.load_model` gives a model
by name or path, `choose.model_for` the one for a kernel release; `values` says what it holds.
"""
