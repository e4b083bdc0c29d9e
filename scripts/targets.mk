# SPDX-License-Identifier: GPL-3.0-or-later
# What people type; how things are built is in the Makefile.

.PHONY: help deps deps-run demo test test-bins lint format-check tidy fuzz bench clean bless
help:
	@echo "make            build the programs into $(BUILD)/"
	@echo "make demo       install what is missing, build, run and collect a sweep of SPE1"
	@echo "make test       install what is missing, build, run all tests (TIERS='unit fuzz fault e2e cluster', SAN=1)"
	@echo "make lint       formatting, clang-tidy, dependency law, purity, shellcheck"
	@echo "make fuzz       each fuzz target for FUZZ_SECONDS (60)"
	@echo "make bench      every benchmark, one line each; BENCH='dispatch sweep' chooses"
	@echo "make bless      rewrite golden files after a wanted change; review the diff"
	@echo "make cluster-up  a real Kubernetes here with decksweep in it (root); cluster-down removes it"
	@echo "make install    programs, man pages, completion below DESTDIR and PREFIX ($(PREFIX))"
	@echo "make clean      remove build/"

deps:
	@scripts/deps.sh
deps-run:
	@scripts/deps.sh run

# Packages come first and may bring what the Makefile looks up: so make starts anew.
demo: deps-run
	@$(MAKE) --no-print-directory -s -j2 all
	@scripts/demo.sh $(BUILD)

test: deps
	@$(MAKE) --no-print-directory -s -j2 test-bins
	@scripts/run_tests.sh $(BUILD) $(TIERS)

test-bins: all unit-bins support fuzz-regress-bins

lint: deps
	@$(MAKE) --no-print-directory -s -j2 all
	@$(MAKE) --no-print-directory -s -j2 CC=clang all
	@scripts/lint_deps.sh
	@scripts/lint_purity.sh $(BUILD)
	@$(MAKE) --no-print-directory -s format-check
	@shellcheck -x -P SCRIPTDIR $$(git ls-files "*.sh" .ci/run) $$(git ls-files tests/cluster | xargs grep -lE "^#!.*bash|^#!/bin/sh")
	@$(MAKE) --no-print-directory -s -j2 tidy
	@echo "lint: clean"

format-check:
	@clang-format --dry-run --Werror $$(git ls-files '*.c' '*.h')

TIDYFLAGS := -std=c11 -D_GNU_SOURCE -DDECKSWEEP_VERSION='"x"' -Iinclude -Ishared -I. $(PKGFLAGS)
TIDY      := $(patsubst %.c,build/tidy/%.ok,$(SOURCES))
tidy: $(TIDY)
build/tidy/%.ok: %.c .clang-tidy
	@mkdir -p $(@D)
	@clang-tidy -quiet $< -- $(TIDYFLAGS) >build/tidy/$*.log 2>&1 || { cat build/tidy/$*.log; exit 1; }
	@touch $@

FUZZ_SECONDS ?= 60
fuzz: deps
	@for t in $(FUZZ); do n=$$(basename $$t .c); $(MAKE) -s build/fuzz/$$n || exit 1; \
	  mkdir -p build/fuzz/found/$$n; \
	  build/fuzz/$$n -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048 -print_final_stats=0 -verbosity=0 \
	    build/fuzz/found/$$n tests/fuzz/corpus/$${n#fuzz_} || exit 1; echo "$$n: clean for $(FUZZ_SECONDS) s"; done

BENCH ?= dispatch sweep plan archive collect worker_memory manifests reconcile cluster controller submit_latency
bench: deps
	@$(MAKE) --no-print-directory -s -j2 all support bench-bins
	@for b in $(BENCH); do DS_BUILD=$(abspath $(BUILD)) bench/$$b.sh || exit 1; done

bless:
	@$(MAKE) --no-print-directory -s -j2 unit-bins
	@for t in $(UNITBIN); do BLESS=1 $$t >/dev/null 2>&1 || true; done; git status --short tests/golden

clean:
	rm -rf build

-include scripts/install.mk
include scripts/cluster.mk
