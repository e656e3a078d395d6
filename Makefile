# Two commands matter: `make demo` and `make test`. Each does its own set-up and is quick the second time.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:

VENV := .venv/bin
RUST := $(shell find parsers benchmarks/limit -name '*.rs' -o -name Cargo.toml 2>/dev/null) Cargo.toml Cargo.lock $(wildcard parsers/profile/*)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt

.PHONY: help demo showcase test test-faults check bench bench-collector bench-live soak captures profile fuzz clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

demo: .build/core .build/demo ## the whole house: broker, collector and two probes that replay captures; prints the page's address
	@exec $(VENV)/python scripts/demo

showcase: .build/core ## replay the showcase capture and print the report
	@$(VENV)/transitproof replay tests/pcaps/showcase.pcapng --trust tests/pcaps/pki/root.pem --format table

test: .build/core .build/dev ## formatting, linters, types, Rust tests, Python tests
	@scripts/check
	@scripts/test

test-faults: .build/core .build/dev ## the faults between probe and broker at full length (half an hour, root)
	@TRANSITPROOF_FAULTS=full $(VENV)/python -m pytest tests/publish --timeout 3600 -v

check: .build/core .build/dev ## formatting, linters and types only
	@scripts/check

bench: .build/core .build/dev ## the four workloads against the physical limit
	@$(VENV)/python benchmarks/run.py

bench-collector: .build/core .build/dev ## every page of the collector over 10 M findings, and reports a second (40 GB, 15 minutes)
	@$(VENV)/python benchmarks/collector.py
	@$(VENV)/python benchmarks/collector_pages.py $(COLLECTOR)

bench-live: .build/core .build/dev ## the agent on a veth pair, next to tcpdump and peers (root, tcpreplay; 5 minutes)
	@source scripts/need
	@want tcpreplay=tcpreplay tcpdump=tcpdump ip=iproute2
	@cargo build --release --quiet -p transitproof-limit
	@$(VENV)/python benchmarks/live.py $(LIVE)

soak: .build/core .build/dev ## the agent under a day's load in MINUTES (20): memory, counters (root, tcpreplay)
	@source scripts/need
	@want tcpreplay=tcpreplay ip=iproute2
	@$(VENV)/python benchmarks/soak.py --minutes $(or $(MINUTES),20)

fuzz: ## every parser under libFuzzer, FUZZ_SECONDS (600) each; TARGETS names some
	@scripts/fuzz $(TARGETS)

profile: .build/dev ## train the compiler anew, after changes of the packet path (rustup component add llvm-tools; five minutes)
	@scripts/profile

captures: .build/dev ## make the test captures anew from real programs (root, Debian packages)
	@$(VENV)/python tests/pcaps/make

clean: ## remove everything that was built
	rm -rf .venv .build target dist

.build/venv: scripts/venv
	@scripts/venv
	@touch $@

# The core and the runtime dependencies, installed in place.
.build/core: .build/venv pyproject.toml constraints.txt $(RUST)
	@scripts/core
	@touch $@

# The collector's dependencies, and amqtt where there is no Mosquitto.
.build/demo: .build/venv .build/core pyproject.toml constraints.txt
	@scripts/extras collector $$(PATH="$$PATH:/usr/sbin" command -v mosquitto >/dev/null || echo broker)
	@touch $@

.build/dev: .build/venv .build/core pyproject.toml constraints.txt
	@scripts/dev
	@touch $@
