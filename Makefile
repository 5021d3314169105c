# What everybody needs: `make run` and `make test` do everything from a fresh clone on Debian with the Swift toolchain.

BUILD_PACKAGES = libxml2-dev libssl-dev libldap2-dev libicu-dev libsqlite3-dev libzstd-dev pkg-config
TEST_PACKAGES = slapd ldap-utils openssl python3 python3-venv file tmux profanity
VENV = .build-venv

# Overlapping accesses to one variable are looked for by the tests, which are debug builds; looking for them at run time
# costs a sixth of what the program does for a message. Bounds and overflows are checked in every build.
RELEASE = swift build -c release -Xswiftc -enforce-exclusivity=unchecked

.PHONY: run build test bench endurance fuzz packages test-packages conf clean

# Installs what is missing, builds in release mode and starts the server for the domain localhost.
run: build
	.build/release/martlet serve

build: packages
	$(RELEASE) --product martlet

# Installs what the tests need, then runs them all; they start their own servers on free loopback ports.
test: packages test-packages $(VENV)/ready
	Tests/bench/check.sh
	swift build --build-tests
	MARTLET_PYTHON="$(CURDIR)/$(VENV)/bin/python" Tests/run.sh
	MARTLET_PYTHON="$(CURDIR)/$(VENV)/bin/python" Tests/clients/run.sh

# Measures against Prosody and ejabberd in one run: make bench GROUP=core REPEATS=3
bench: packages
	RELEASE="$(RELEASE)" Tests/bench/run.sh

# Kills servers while they work and looks for messages that were acknowledged and are gone: make endurance ROUNDS=200
ROUNDS = 100
endurance: packages
	swift build --build-tests
	MARTLET_KILL_ROUNDS=$(ROUNDS) swift test --skip-build --filter KilledServerTests

# Feeds mutated streams to the parser and compares with libxml2 reading the whole: make fuzz SECONDS=600
SECONDS = 60
fuzz: packages
	@Tests/testbed/packages.sh lld
	mkdir -p .build-fuzz/corpus
	swift run -c release --package-path Tests/fuzz --scratch-path .build-fuzz fuzz .build-fuzz/corpus -max_len=4096 -max_total_time=$(SECONDS)

packages:
	@Tests/testbed/packages.sh $(BUILD_PACKAGES)

test-packages:
	@Tests/testbed/packages.sh $(TEST_PACKAGES)

$(VENV)/ready: Tests/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --requirement Tests/requirements.txt
	touch $@

# Writes what is derived from the program: the commented configuration, the DOAP file, the README's table.
conf: build
	.build/release/martlet configuration > conf/martlet.yaml
	.build/release/martlet doap > xep/doap.xml

clean:
	rm -rf .build .build-*
