# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds uva_container, tests it, installs it. `make help` lists what can be asked for.
#
# What a user sets is added to what stands here, never replaced by it: CC, CPPFLAGS, CFLAGS, LDFLAGS.
# Packages that are missing are installed on the way, by scripts/install-deps.
# With SANITIZE=1 everything is built, and tested, once more under build/sanitize, with the
# address and undefined-behaviour sanitizers.

MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

# ---- What is built -----------------------------------------------------------------------------

# The front doors: src/NAME.c holds main() of the program NAME, src/NAME/ what it alone needs.
PROGRAMS := uva_container portmux
# Libraries, by their pkg-config names; the last one is for src/portmux/ only.
LIBRARIES := libmnl libnftnl jansson
# Those of what runs only while the programs are built (HOSTCC compiles it, where CC is a cross compiler).
BUILDING  := libseccomp

SANITIZED := $(filter 1,$(SANITIZE))
BUILD     := build$(if $(SANITIZED),/sanitize)
# Where programs are left: the top level, or beside the sanitized objects.
BIN       := $(if $(SANITIZED),$(BUILD)/)

SOURCES    := $(sort $(wildcard src/*.c src/*/*.c))
ENGINE     := $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(PROGRAMS:%=src/%.c) $(PROGRAMS:%=src/%/%.c),$(SOURCES)))
ROOMS      := $(patsubst %.c,$(BUILD)/%.o,$(filter $(PROGRAMS:%=src/%/%.c),$(SOURCES)))
UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/unit/test_*.c)))

# ---- How it is compiled ------------------------------------------------------------------------

PKG_CONFIG ?= pkg-config
HOSTCC     ?= $(CC)

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wformat=2 -Wpointer-arith -Wvla -Wundef -Wwrite-strings -Wimplicit-fallthrough

ifneq ($(SANITIZED),)
CODEGEN   := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LINKFLAGS := -fsanitize=address,undefined
else
# glibc warns about _FORTIFY_SOURCE where nothing is optimized.
CODEGEN   := -O2 -g -fstack-protector-strong -fPIE \
	-U_FORTIFY_SOURCE $(if $(filter -O0,$(CFLAGS)),,-D_FORTIFY_SOURCE=2)
LINKFLAGS := -pie -Wl,-z,relro,-z,now -Wl,--as-needed
endif

# These are expanded where they are used, in the recipes: by then the libraries are installed.
PKG_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(LIBRARIES))
PKG_LIBS   = $(shell $(PKG_CONFIG) --libs $(LIBRARIES))
FLAGS      = -std=gnu17 $(WARNINGS) $(CODEGEN) -D_GNU_SOURCE -Isrc -Ibuild $(PKG_CFLAGS) $(CPPFLAGS) $(CFLAGS)
COMPILE    = $(CC) $(FLAGS) -MMD -MP
LINK       = $(CC) $(CODEGEN) $(CFLAGS) $(LINKFLAGS) $(LDFLAGS)

all: $(PROGRAMS:%=$(BIN)%) ## build ./uva_container (the default)

$(PROGRAMS:%=$(BIN)%): $(BIN)%: $(BUILD)/src/%.o $(ENGINE) $(BUILD)/link.command
	$(LINK) -o $@ $(filter %.o,$^) $(PKG_LIBS)

$(BIN)portmux: $(ROOMS)

$(BUILD)/src/%.o: src/%.c $(BUILD)/compile.command
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<

$(BUILD)/tests/unit/%.o: tests/unit/%.c $(BUILD)/compile.command | unit-packages
	@mkdir -p $(@D)
	$(COMPILE) $(shell $(PKG_CONFIG) --cflags cmocka) -c -o $@ $<

$(UNIT_TESTS): %: %.o $(ENGINE) $(ROOMS) $(BUILD)/link.command
	$(LINK) -o $@ $(filter %.o,$^) $(PKG_LIBS) $(shell $(PKG_CONFIG) --libs cmocka)

# This one lets memory run out.
$(BUILD)/tests/unit/test_share_port: private LINKFLAGS += -Wl,--wrap=calloc -Wl,--wrap=reallocarray \
	-Wl,--wrap=pool_take

# This one has a kernel of its own, in which a link is being renamed.
$(BUILD)/tests/unit/test_forwarding: private LINKFLAGS += -Wl,--wrap=sysctl_read -Wl,--wrap=sysctl_write \
	-Wl,--wrap=link_has_family -Wl,--wrap=if_indextoname

# This one has links with LRO.
$(BUILD)/tests/unit/test_offload: private LINKFLAGS += -Wl,--wrap=ioctl -Wl,--wrap=if_indextoname

# This one has uplinks that forward, and nothing of the host's.
$(BUILD)/tests/unit/test_undo: private LINKFLAGS += -Wl,--wrap=forwarding_read -Wl,--wrap=forwarding_write \
	-Wl,--wrap=offload_want_lro -Wl,--wrap=sysctl_read -Wl,--wrap=nft_table_exists

# This one tells its own news.
$(BUILD)/tests/unit/test_watch: private LINKFLAGS += -Wl,--wrap=recv

# This one has a system call refused.
$(BUILD)/tests/unit/test_process: private LINKFLAGS += -Wl,--wrap=syscall

# What refuses the copies' system calls, as a program for the kernel.
build/compile_filter: scripts/compile_filter.c | libraries
	@mkdir -p $(@D)
	$(HOSTCC) -std=gnu17 -O1 $(WARNINGS) -D_GNU_SOURCE $(shell $(PKG_CONFIG) --cflags $(BUILDING)) -o $@ $< \
		$(shell $(PKG_CONFIG) --libs $(BUILDING))

build/filter_program.h: build/compile_filter
	build/compile_filter >$@

$(BUILD)/src/copy/filter.o build/fuzz/src/copy/filter.o: build/filter_program.h

# The fuzzers: all of the engine once more, by clang, with libFuzzer's counters.
FUZZERS   := $(patsubst %.c,build/fuzz/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZED    := $(patsubst %.c,build/fuzz/%.o,$(filter-out $(PROGRAMS:%=src/%.c),$(SOURCES)))
FUZZ_FLAGS = $(FLAGS) -U_FORTIFY_SOURCE -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
WRAPPED   := mnl_socket_sendto mnl_socket_recvfrom recv sysctl_read

build/fuzz/%.o: %.c | fuzz-packages
	@mkdir -p $(@D)
	clang $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<

build/fuzz/tests/fuzz/fuzz_netlink: FUZZ_LINK := $(WRAPPED:%=-Wl,--wrap=%)
$(FUZZERS): %: %.o $(FUZZED)
	clang -fsanitize=fuzzer,address,undefined $(FUZZ_LINK) -o $@ $^ $(PKG_LIBS)

# The commands, each in a file that is rewritten only when it differs: another compiler, other flags
# or a source that is gone rebuild what they concern.
$(BUILD)/compile.command: COMMAND = $(COMPILE)
$(BUILD)/link.command: COMMAND = $(LINK) $(PKG_LIBS) $(ENGINE) $(ROOMS)
quote = '$(subst ','\'',$(1))'

$(BUILD)/compile.command $(BUILD)/link.command: libraries
	@mkdir -p $(@D)
	@echo $(call quote,$(COMMAND)) | cmp -s - $@ || echo $(call quote,$(COMMAND)) >$@

libraries:
	@$(PKG_CONFIG) --exists $(LIBRARIES) $(BUILDING) 2>/dev/null || scripts/install-deps build

unit-packages: libraries
	@$(PKG_CONFIG) --exists cmocka 2>/dev/null || scripts/install-deps unit

fuzz-packages: libraries
	@scripts/install-deps fuzz

test-packages: libraries
	@scripts/install-deps test

bench-packages:
	@scripts/install-deps bench

-include $(SOURCES:%.c=$(BUILD)/%.d) $(UNIT_TESTS:%=%.d) $(FUZZED:%.o=%.d) $(FUZZERS:%=%.d)

# ---- Running and testing -----------------------------------------------------------------------

SUDO    = $(if $(filter 0,$(shell id -u)),,sudo)
# The distribution's Python: it has the distribution's pytest and Selenium.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)

# The program under test; the tests read it from the environment.
UVA_CONTAINER ?= $(abspath $(BIN)uva_container)
# What runs the unit tests, where they are built for another machine, such as qemu-aarch64.
EMULATOR ?=
# Options for pytest, such as PYTEST_FLAGS='-x -k sigint'.
PYTEST_FLAGS ?=
# Options of the benchmark, such as BENCH='--no-peers lives'.
BENCH ?=
# No caches: run through sudo, they would be root's files in the user's tree.
ENV = $(SUDO) env UVA_CONTAINER='$(UVA_CONTAINER)' PYTHONDONTWRITEBYTECODE=1 \
	$(foreach name,CI FAULT_POINTS FAULT_SEED SHARED_LOAD_ROUNDS SOAK_SECONDS SOAK_SEED,$(if $($(name)),$(name)='$($(name))'))
# How many of the system tests' files are run at a time. They wait more than they compute; but some have
# only a second or two for what they wait for.
JOBS ?= 2
PYTEST = $(ENV) $(PYTHON) -m pytest -p no:cacheprovider $(PYTEST_FLAGS)

# What `make check` runs, in this order.
CHECKS := check-unit check-system check-browser check-faults-sample

run: all ## build, and run it, through sudo if that works (ROOTLESS=1: without); Ctrl-C ends it
	@scripts/run $(if $(BIN),,./)$(BIN)uva_container $(if $(filter 1,$(ROOTLESS)),,$(SUDO))

check: all test-packages ## install what the tests need, build, run all of them
	@set -e; for check in $(CHECKS); do $(MAKE) $$check; done

check-unit: $(UNIT_TESTS) ## the pure code, with cmocka
	@failed=; for test in $^; do \
		output=$$(timeout 300 $(EMULATOR) $$test 2>&1) || failed="$$failed $$test"; \
		printf '%s\n' "$$output"; \
		case "$$CI|$$output" in \|*) ;; *SKIPPED*) failed="$$failed $$test (skipped)" ;; esac; \
	done; test -z "$$failed" || { echo "check-unit: failed:$$failed" >&2; exit 1; }

check-system: all test-packages ## the program on hosts made for each test, with pytest
	$(PYTEST) -n $(JOBS) --dist loadfile tests/system

check-browser: all test-packages ## the program in front of a headless Chromium
	$(PYTEST) tests/browser

check-arm64: ## build the last commit for arm64, unit tests under qemu-user, in a Debian of its own
	$(SUDO) scripts/check-arm64

# On a machine with systemd, the packages start a Docker of the machine's own; the tests do not use it.
check-engines: all test-packages ## beside a real Docker and Podman (not a part of check)
	@scripts/install-deps engines
	$(PYTEST) tests/engines

check-faults: FAULT_POINTS ?= all
check-faults-sample: FAULT_POINTS ?= 6
check-faults: all test-packages ## kill it, and fail it, at every system call; load, cycles, recovery
check-faults-sample: all test-packages ## the same with FAULT_POINTS=6 of each kind, and fewer cycles
check-faults check-faults-sample:
	$(PYTEST) tests/faults

check-fuzz: $(FUZZERS) ## what parses bytes from outside, with libFuzzer (FUZZ_SECONDS=60 each)
	@FUZZ_SECONDS='$(FUZZ_SECONDS)' scripts/fuzz $(FUZZERS)

soak: all test-packages ## requests, kills and restarts at random (SOAK_SECONDS=60, SOAK_SEED)
	$(ENV) PYTHONPATH=tests $(PYTHON) -m faults.soak

bench: all test-packages bench-packages ## side by side with its peers: time, requests, bytes, memory (BENCH=--help)
	$(ENV) $(PYTHON) scripts/bench $(BENCH)

bench-shared: all test-packages ## what a shared port costs, side by side with haproxy, nginx, IPVS
	$(ENV) $(PYTHON) scripts/bench/shared.py

lint: ## format, static analysis, scripts, manual pages
	@scripts/lint

# For scripts/lint: how the sources are compiled.
print-flags: libraries build/filter_program.h
	@echo $(call quote,$(FLAGS))

# ---- Installing and packing --------------------------------------------------------------------

PREFIX  ?= /usr/local
bindir   = $(PREFIX)/bin
mandir   = $(PREFIX)/share/man
unitdir  = $(PREFIX)/lib/systemd/system
# The manual pages: src/NAME.SECTION goes to manSECTION.
PAGES    := $(sort $(wildcard src/*.[1-8]))
page_path = $(DESTDIR)$(mandir)/man$(patsubst .%,%,$(suffix $(1)))/$(notdir $(1))
UNIT     := portmux@.service
# The completions, and where each shell looks for its own.
COMPLETIONS := portmux.bash:bash-completion/completions/portmux _portmux:zsh/site-functions/_portmux \
	portmux.fish:fish/vendor_completions.d/portmux.fish
completion_file = completions/$(firstword $(subst :, ,$(1)))
completion_path = $(DESTDIR)$(PREFIX)/share/$(lastword $(subst :, ,$(1)))

# Where the programs were in the past. It comes first in root's PATH: one left there would be run.
OUTDATED  = $(PROGRAMS:%='$(DESTDIR)$(PREFIX)/sbin/%')

# The AppArmor profiles, which Ubuntu asks for: APPARMOR=1 installs them, also where AppArmor 4 is not.
apparmordir = /etc/apparmor.d
APPARMOR   ?=
PROFILES    = DESTDIR='$(DESTDIR)' APPARMOR='$(APPARMOR)' scripts/apparmor

install: all ## install programs, pages, unit, completions, profiles (DESTDIR, PREFIX=/usr/local, APPARMOR=1)
	rm -f $(OUTDATED)
	install -d '$(DESTDIR)$(bindir)'
	install -m 755 $(PROGRAMS:%=$(BIN)%) '$(DESTDIR)$(bindir)'
	set -e; $(foreach page,$(PAGES),install -D -m 644 $(page) '$(call page_path,$(page))';)
	set -e; $(foreach one,$(COMPLETIONS),install -D -m 644 $(call completion_file,$(one)) \
		'$(call completion_path,$(one))';)
	install -d '$(DESTDIR)$(unitdir)'
	sed 's|@bindir@|$(bindir)|' src/$(UNIT) | install -m 644 /dev/stdin '$(DESTDIR)$(unitdir)/$(UNIT)'
	@$(PROFILES) install '$(apparmordir)' '$(bindir)' $(PROGRAMS)

uninstall: ## remove what install put there
	rm -f $(PROGRAMS:%='$(DESTDIR)$(bindir)/%') $(OUTDATED)
	rm -f $(foreach page,$(PAGES),'$(call page_path,$(page))')
	rm -f '$(DESTDIR)$(unitdir)/$(UNIT)'
	rm -f $(foreach one,$(COMPLETIONS),'$(call completion_path,$(one))')
	@$(PROFILES) uninstall '$(apparmordir)' '$(bindir)' $(PROGRAMS)

DIST := .ci .clang-format .clang-tidy .editorconfig .gitignore CHANGES.md LICENSE Makefile README.md \
	completions doc examples http_recorder.py scripts src tests

dist: ## pack uva_container.zip: the last commit, or the tree where there is no git
	@rm -rf uva_container.zip build/dist
ifneq ($(wildcard .git),)
	git archive --format=zip --prefix=uva_container/ -o uva_container.zip HEAD
else
	@mkdir -p build/dist/uva_container
	@cp -a $(DIST) build/dist/uva_container
	@find build/dist -name __pycache__ -prune -exec rm -r {} +
	$(PYTHON) -m zipfile -c uva_container.zip build/dist/uva_container
endif

clean: ## remove what was built
	$(if $(wildcard build/debian),$(SUDO)) rm -rf build
	rm -rf uva_container.zip $(PROGRAMS)

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='|' read -r target text; do printf '%-20s %s\n' "$$target" "$$text"; done

.PHONY: all libraries unit-packages fuzz-packages test-packages bench-packages run check $(CHECKS) check-arm64 check-engines check-faults check-fuzz soak bench bench-shared lint print-flags install uninstall dist clean help
