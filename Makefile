# The few commands people type. The build itself is meson's: see meson.build and CONTRIBUTING.md.

BUILD ?= build
PREFIX ?= /usr/local

.PHONY: all demo test test-long soak soak-service bench lint format install uninstall deb clean

all:
	@./setup.sh
	@tools/build.sh $(BUILD) --prefix=$(PREFIX)

# Installs what is missing, builds, makes a sample tape, restores it, prints where the result is.
demo: all
	@tools/demo.sh $(BUILD)

# The last line is "N passed, N failed, N skipped".
test:
	@./setup.sh --test
	@tools/run_tests.py $(BUILD)

test-long:
	@./setup.sh --test
	@tools/run_tests.py --long $(BUILD)

# Random faults for HOURS hours: what is stopped anywhere must come to the same bytes, and nothing may grow or be left.
HOURS ?= 1
soak:
	@./setup.sh --test
	@tools/build.sh $(BUILD)
	@TA_BUILD=$(BUILD) tests/faults/soak.py --program $(BUILD)/terminalai --hours $(HOURS) $(SOAK)

# The service at work for long: memory, descriptors, threads and files with the slope of each. HOURS=0.5 by default.
soak-service: HOURS = 0.5
soak-service:
	@./setup.sh --test
	@tools/build.sh $(BUILD)
	@bench/queue/soak.py $(BUILD) --hours $(HOURS) $(SOAK)

# Ratios against ffmpeg, HandBrake and the encoder alone, measured side by side; BENCH="--only peers --repeats 3" for less.
bench:
	@./setup.sh --bench
	@tools/build.sh $(BUILD)
	@bench/bench.py --program $(BUILD)/terminalai $(BENCH)

lint:
	@./setup.sh --lint
	@tools/lint.sh

format:
	@./setup.sh --lint
	@tools/lint.sh --format

install: all
	@meson install -C $(BUILD) --no-rebuild

# Takes away what "make install" has put there; the configuration and the cache of users stay.
uninstall:
	@ninja -C $(BUILD) uninstall

# A Debian package of program and library for this release: build/terminalai_VERSION_ARCHITECTURE.deb.
deb:
	@./setup.sh
	@tools/package.sh build/package build

clean:
	@rm -rf $(BUILD)
