# SPDX-License-Identifier: Apache-2.0
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Debian's own interpreter, since only that one finds python3-bpfcc.
SYSTEM_PYTHON ?= /usr/bin/python3
VENV := .venv
BUILD := build
STAMP := $(VENV)/.installed
PYTHON := $(VENV)/bin/python
PROCTRACE := $(VENV)/bin/proctrace
SOURCES := proctrace.py replay tracer traces tests examples

RUN_PACKAGES := gcc linux-libc-dev python3-bpfcc python3-venv
TEST_PACKAGES := gcc libc6-dev make redis-tools strace
BENCH_PACKAGES := bpftrace linux-perf
GUEST_PACKAGES := busybox-static debian-archive-keyring e2fsprogs kmod qemu-system-x86

DEMO_TRACE := $(BUILD)/demo.ptrace
DEMO_SAMPLE := traces/samples/shell.ptrace

# $(call need,PACKAGES): install the Debian packages that are missing; say so where that cannot be.
define need
	@missing=; for package in $(1); do \
	  dpkg-query -W -f='$${db:Status-Abbrev}' "$$package" 2>/dev/null | grep -q '^ii' \
	    || missing="$$missing $$package"; \
	done; \
	if [ -z "$$missing" ]; then :; \
	elif ! command -v apt-get >/dev/null; then \
	  echo "make: no apt-get here; install the equivalents of:$$missing" >&2; \
	elif [ "$$(id -u)" != 0 ]; then \
	  echo "make: not root; what is missing needs: sudo apt-get install$$missing" >&2; \
	else \
	  echo "make: installing$$missing" >&2; export DEBIAN_FRONTEND=noninteractive; \
	  apt-get -qq update && \
	  apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 install $$missing >/dev/null; \
	fi
endef

.PHONY: help
help: ## show this help
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.PHONY: setup
setup: system actors ## install what is missing: Debian packages and a virtual environment

.PHONY: system
system:
	$(call need,$(RUN_PACKAGES) $(TEST_PACKAGES))

$(STAMP): pyproject.toml | system
	@$(SYSTEM_PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "make: proctrace needs Python 3.11 or newer as $(SYSTEM_PYTHON)" >&2; exit 1; }
	@test -x $(PYTHON) || $(SYSTEM_PYTHON) -m venv --system-site-packages $(VENV)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# The program that acts scenarios, for 'proctrace run'; named after its sources, so never stale.
.PHONY: actors
actors: $(STAMP)
	@$(PYTHON) -m tracer.actor.build

.PHONY: demo
demo: setup ## record a real command and replay it (a bundled recording where BPF cannot be had)
	@mkdir -p $(BUILD)
	@trace=$(DEMO_TRACE); status=0; \
	$(PROCTRACE) record -f -o "$$trace" -- sh tests/kernel/programs/demo.sh || status=$$?; \
	case $$status in \
	  0) ;; \
	  77|125) trace=$(DEMO_SAMPLE); \
	    echo "make: no recording is possible here, for the reason above; replaying $$trace" >&2 ;; \
	  *) exit $$status ;; \
	esac; \
	$(PROCTRACE) replay "$$trace" && $(PROCTRACE) tree --threads "$$trace" && \
	$(PROCTRACE) cow --by fork "$$trace" && $(PROCTRACE) steps "$$trace" && \
	$(PROCTRACE) audit "$$trace" && $(PROCTRACE) check "$$trace"

.PHONY: lint
lint: setup ## style, types and the borders between the rooms
	$(VENV)/bin/ruff check $(SOURCES)
	$(VENV)/bin/ruff format --check $(SOURCES)
	$(VENV)/bin/mypy $(SOURCES)
	$(VENV)/bin/lint-imports

.PHONY: test
test: lint ## everything: lint, then all tests, with real recordings where BPF can be had
	$(PYTHON) -m pytest

.PHONY: bench
bench: setup ## what recording costs beside strace, perf and bpftrace, and how fast replay is
	$(call need,$(BENCH_PACKAGES))
	@mkdir -p $(BUILD)
	$(PYTHON) -m tests.bench.recording --json $(BUILD)/bench.json
	$(PYTHON) -m tests.bench.faults --json $(BUILD)/bench-faults.json
	$(PYTHON) -m tests.bench.forest
	$(PYTHON) -m tests.bench.comparing
	$(PYTHON) -m tests.bench.checks

.PHONY: scenarios
scenarios: setup ## run scenarios for real, 20 times each and 200 random ones, and compare
	@mkdir -p $(BUILD)
	$(PYTHON) -m tests.bench.scenarios --folder $(BUILD)/scenarios --json $(BUILD)/scenarios.json

.PHONY: kernels
kernels: setup ## boot other Debian kernels under QEMU and record there
	$(call need,$(GUEST_PACKAGES))
	@mkdir -p $(BUILD)/kernels
	tests/kernels/run $(BUILD)/kernels

.PHONY: clean
clean: ## remove what was built; the virtual environment stays
	rm -rf $(BUILD) dist ./*.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis \
	  .import_linter_cache
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +
