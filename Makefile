# SPDX-License-Identifier: GPL-3.0-or-later
# decksweep: `make demo` and `make test` are all a newcomer needs; `make help` lists the rest.
CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
CLANG   ?= clang
PREFIX  ?= /usr/local
SAN     ?=
BUILD   ?= build/$(if $(SAN),san,$(notdir $(CC)))

PROGRAMS := decksweep decksweep-agent decksweep-scheduler
FOLDERS  := shared/base shared/cmd shared/contract shared/deck shared/summary shared/archive shared/store shared/http shared/kube \
            scheduler agent collector cli
SOURCES  := $(sort $(foreach d,$(FOLDERS),$(wildcard $(d)/*.c)))
MAINS    := cli/main.c agent/main.c scheduler/main.c
LIBSRC   := $(filter-out $(MAINS),$(SOURCES))
UNIT     := $(sort $(wildcard tests/unit/test_*.c))
FUZZ     := $(sort $(wildcard tests/fuzz/fuzz_*.c))
SUPPORT  := $(sort $(wildcard tests/support/*.c))
BENCH    := $(sort $(wildcard bench/*.c))

PKGS     := hwloc yaml-0.1 libcjson libcrypto libzstd libarchive gsl netcdf hdf5 libmicrohttpd libcurl
PKGFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LDLIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lmuparser -lz -lm -lpthread

VERSION  := $(shell cat VERSION)
WARN     := -Werror -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wvla -Wformat=2 -Wundef -Wimplicit-fallthrough -fno-common
OPT      ?= -O2
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
BASEFLAGS = -std=c11 -D_GNU_SOURCE -DDECKSWEEP_VERSION='"$(VERSION)"' $(OPT) -g $(WARN) \
            -fstack-protector-strong -Iinclude -Ishared -I. $(PKGFLAGS)
CFLAGS   := $(BASEFLAGS) $(if $(SAN),$(SANFLAGS))
# gcc's shared libubsan never opens log_path, where the test runner looks for reports.
SANLINK  := $(if $(findstring clang,$(CC)),,-static-libasan -static-libubsan)
LDFLAGS  := $(if $(SAN),$(SANFLAGS) $(SANLINK))

OBJ       = $(patsubst %.c,$(BUILD)/%.o,$(1))
LIB      := $(BUILD)/libdecksweep.a
UNITBIN  := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(UNIT))
FUZZREG  := $(patsubst tests/fuzz/%.c,build/san/fuzz/%,$(FUZZ))
FUZZBIN  := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(FUZZ))
SUPPBIN  := $(patsubst tests/support/%.c,$(BUILD)/support/%,$(SUPPORT))
BENCHBIN := $(patsubst bench/%.c,$(BUILD)/bench/%,$(BENCH))

.PHONY: all
all: $(patsubst %,$(BUILD)/%,$(PROGRAMS))

$(BUILD)/%.o: %.c Makefile VERSION
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

$(LIB): $(call OBJ,$(LIBSRC))
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/decksweep: $(call OBJ,cli/main.c) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(BUILD)/decksweep-agent: $(call OBJ,agent/main.c) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/decksweep-scheduler: $(call OBJ,scheduler/main.c) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/tests/%: tests/unit/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Wno-conversion -Wno-missing-prototypes -Wno-missing-field-initializers $(if $(SAN),-include tests/unit/leak_check.h) -MMD -MP $(LDFLAGS) -o $@ $< $(LIB) $(LDLIBS) -lcriterion
$(BUILD)/support/%: tests/support/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(LIB) $(LDLIBS)
# Static and without our library: it must start faster than what it is used to measure.
$(BUILD)/support/nullsim: tests/support/nullsim.c
	@mkdir -p $(@D)
	$(CC) $(BASEFLAGS) -static -o $@ $<
$(BUILD)/support/quicksim: tests/support/quicksim.c
	@mkdir -p $(@D)
	$(CC) $(BASEFLAGS) -static -nostdlib -ffreestanding -fno-stack-protector -fno-builtin \
	    -fno-tree-loop-distribute-patterns -Wno-missing-prototypes -o $@ $<
$(BUILD)/bench/%: bench/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(LIB) $(LDLIBS)

# Fuzz targets: over their corpus as a regression test (any compiler), or for real (clang).
build/san/fuzz/%: tests/fuzz/%.c tests/fuzz/regress_main.c build/san/libdecksweep.a
	@mkdir -p $(@D)
	$(CC) $(BASEFLAGS) $(SANFLAGS) -Wno-missing-prototypes -MMD -MP -o $@ $^ $(LDLIBS)
build/fuzz/%: tests/fuzz/%.c $(LIBSRC)
	@mkdir -p $(@D)
	$(CLANG) $(BASEFLAGS) -Wno-missing-prototypes -Wno-format-nonliteral -fsanitize=fuzzer,address,undefined -o $@ $^ $(LDLIBS)
ifeq ($(SAN),)
build/san/libdecksweep.a: $(LIBSRC) $(wildcard include/decksweep/*.h shared/*/*.h)
	$(MAKE) SAN=1 $@
endif

-include $(shell test -d $(BUILD) && find $(BUILD) -name '*.d')

.PHONY: unit-bins support bench-bins fuzz-regress-bins
unit-bins: $(UNITBIN)
support: $(SUPPBIN)
bench-bins: $(BENCHBIN)
fuzz-regress-bins: $(FUZZREG)

include scripts/targets.mk
