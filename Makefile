# What people type. Each target installs what it needs and is missing (scripts/setup), and says so.
# Builds live in build/: release, check (test switches on), asan (the same under ASan and UBSan).

SETUP  = scripts/setup
PYTHON = $(shell for p in /usr/bin/python3 python3; do $$p -c 'import pytest, requests' 2>/dev/null && echo $$p && break; done)
# Four files of tests at a time: most of what they do is waiting. Without pytest-xdist, one after the other.
FOUR   = $(shell $(PYTHON) -c 'import xdist' 2>/dev/null && printf %s '-n 4 --dist loadfile')
TWO    = $(subst 4,2,$(FOUR))
PYTEST_ALONE = $(PYTHON) -m pytest -q -p no:cacheprovider
PYTEST = $(PYTEST_ALONE) $(FOUR)
# All but the nodes of tests/cluster and the browsers of tests/ui, which keep all cores busy by themselves: beside others they would only
# measure each other.
TESTS  = $(filter-out tests/cluster/ tests/ui/,$(sort $(dir $(wildcard tests/*/test_*.py))))
# Of those, what `make check` has time for; `make check-cluster` has all, failovers and cut networks too.
NODES  = $(patsubst %,tests/cluster/test_%.py,audit proxy nodes news follow rates round_trips load)
DFYD   = build/release/src/cmd/dfyd/dfyd

# $(call refresh,BUILD): what npm fetched since the build was set up goes into it.
refresh = @for folder in web api/docs; do [ ! -e $$folder/node_modules ] || [ build/$(1)/build.ninja -nt $$folder/node_modules ] || \
	{ meson setup --reconfigure build/$(1) >/dev/null; break; }; done

# What the tests want from npm: the console and the viewer of /docs, packed into the program, and Fastify to compare with. Empty: they
# are done without.
NODE = console viewer fastify

CHECKED = -Dtests=true -Dtest_switches=true
ASAN_ENV = ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

.PHONY: all build check check-all check-plain check-asan check-nodes check-console check-postgres check-cluster check-bare prove demo demo-mailhost serve bench bench-mailhost bench-nodes fuzz lint format clean

all: build

build: build/release/build.ninja
	$(call refresh,release)
	@ninja -C build/release --quiet

build/release/build.ninja:
	@$(SETUP) build
	@! command -v npm >/dev/null || $(SETUP) viewer || echo '/docs will be a plain page'
	@! command -v npm >/dev/null || $(SETUP) console || echo 'the console will be a plain page'
	@meson setup build/release -Db_lto=true >/dev/null

build/check/build.ninja:
	@$(SETUP) check servers postgres $(NODE)
	@meson setup build/check --buildtype=debugoptimized $(CHECKED) >/dev/null

build/asan/build.ninja:
	@$(SETUP) check servers postgres $(NODE)
	@meson setup build/asan --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false $(CHECKED) >/dev/null

# Unit tests on both databases, the simulator, the API, life cycles, crashes and several nodes; a quarter of an hour on two processors.
check: check-plain check-nodes

# The console in a browser too, and then all but nodes and browsers again under the sanitizers.
check-all: check check-console check-asan

check-plain: build/check/build.ninja
	@$(SETUP) check servers postgres $(NODE)
	$(call refresh,check)
	@ninja -C build/check --quiet
	@meson test -C build/check --no-rebuild --print-errorlogs
	@DFYD_BIN=$(CURDIR)/build/check/src/cmd/dfyd/dfyd $(PYTEST) $(TESTS)

check-nodes: build/check/build.ninja
	@DFYD_CLUSTER_ORDERS=1000 DFYD_BIN=$(CURDIR)/build/check/src/cmd/dfyd/dfyd $(PYTEST_ALONE) $(NODES)

# The console in a browser, two files of tests at a time; screenshots of all pages go to tests/ui/screenshots.
check-console: build/check/build.ninja
	@$(SETUP) console ui
	$(call refresh,check)
	@ninja -C build/check --quiet
	@DFYD_BIN=$(CURDIR)/build/check/src/cmd/dfyd/dfyd $(PYTEST_ALONE) $(TWO) tests/ui

check-asan: build/asan/build.ninja
	@$(SETUP) check servers postgres $(NODE)
	$(call refresh,asan)
	@ninja -C build/asan --quiet
	@$(ASAN_ENV) meson test -C build/asan --no-rebuild --print-errorlogs --timeout-multiplier 4
	@$(ASAN_ENV) DFYD_BIN=$(CURDIR)/build/asan/src/cmd/dfyd/dfyd $(PYTEST) $(TESTS)

# All of tests/cluster, one file after the other.
check-cluster: build/check/build.ninja
	@$(SETUP) check servers postgres
	@ninja -C build/check --quiet
	@DFYD_BIN=$(CURDIR)/build/check/src/cmd/dfyd/dfyd $(PYTEST_ALONE) tests/cluster

# The proof of many nodes at its full length; `make check` runs a shorter one.
PROVE_ORDERS ?= 100000

prove: build/check/build.ninja
	@$(SETUP) check servers postgres
	@ninja -C build/check --quiet
	@DFYD_CLUSTER_ORDERS=$(PROVE_ORDERS) DFYD_BIN=$(CURDIR)/build/check/src/cmd/dfyd/dfyd $(PYTHON) -m pytest -q -s -p no:cacheprovider \
		tests/cluster/test_load.py -k three

# The tests of the running program once more, each data folder with a database of its own on a private PostgreSQL.
check-postgres: build/check/build.ninja
	@$(SETUP) check servers postgres $(NODE)
	@ninja -C build/check --quiet
	@DFYD_TEST_DB=postgresql DFYD_BIN=$(CURDIR)/build/check/src/cmd/dfyd/dfyd $(PYTEST) tests/api tests/e2e tests/fault tests/diff

# From nothing: a Debian 12 with only git, make and a compiler, in a folder of its own; and a mail host in another. Needs root.
check-bare: build
	@$(SETUP) bare
	@tests/bare/run
	@tests/bare/mailhost $(DFYD)

demo: build
	@$(SETUP) demo
	@scripts/demo $(DFYD)

# Real mailboxes: the servers of a mail host, private and on high ports, and dfyd working with them.
demo-mailhost: build
	@$(SETUP) demo servers
	@scripts/demo-mailhost $(DFYD)

serve: build
	@$(DFYD) serve --data data.local

bench: build
	@$(SETUP) bench
	@bench/run $(DFYD) && bench/orders $(DFYD) && bench/idle $(DFYD) && bench/lists $(DFYD)

# 200 domains with 5 mailboxes each, on the servers of demo-mailhost.
bench-mailhost: build
	@$(SETUP) demo servers
	@bench/mailhost $(DFYD)

# Orders a second of 1, 2 and 4 nodes on a private PostgreSQL, beside pgbench writing the same.
bench-nodes: build
	@$(SETUP) bench postgres
	@bench/nodes $(DFYD)

fuzz:
	@$(SETUP) fuzz
	@tests/fuzz/run

lint: build/check/build.ninja
	@$(SETUP) lint
	@scripts/lint

format:
	@$(SETUP) lint
	@git ls-files 'src/*.[ch]' 'tests/*.[ch]' | xargs clang-format -i

clean:
	@rm -rf build
