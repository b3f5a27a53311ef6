# second-coder: `make demo` to see it work, `make test` to test it, `make help` for the rest.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
LABEL_STUDIO_VENV := .venv-label-studio
BIN := $(VENV)/bin
PIP_FLAGS := --quiet --disable-pip-version-check
# Where torch comes from, if not from where everything does: an index of builds without a GPU's
# libraries saves gigabytes on some systems.
TORCH_INDEX ?=

.PHONY: help demo install environments test test-postgresql check lint types layers label-studio \
	browser clean

help:
	@echo "make demo      set everything up and run the sample study in a real Label Studio"
	@echo "make install   the command .venv/bin/second-coder alone"
	@echo "make environments   what demo and tests need, installed and not run (--jobs 2: side by side)"
	@echo "make test      all tests, with a real Label Studio, SQLite, PostgreSQL and browser"
	@echo "make test-postgresql   every test that has a database, on PostgreSQL"
	@echo "make check     lint, types and layers, then all tests"
	@echo "make clean     remove both environments"

demo: install label-studio
	@exec $(BIN)/second-coder demo

install: $(VENV)/.installed

# torch comes first and by its exact version, so that nothing else picks a build for us.
$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "Installing second-coder into $(VENV) (once, a few minutes)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Set PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install $(PIP_FLAGS) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch==2.13.0
	@$(BIN)/pip install $(PIP_FLAGS) --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing what the tests need"
	@$(BIN)/pip install $(PIP_FLAGS) --constraint constraints.txt --editable '.[dev]'
	@touch $@

label-studio: $(LABEL_STUDIO_VENV)/.installed

# An environment of its own: Label Studio's pins clash with ours.
$(LABEL_STUDIO_VENV)/.installed: constraints-label-studio.txt
	@echo "Installing Label Studio into $(LABEL_STUDIO_VENV) (once, a minute or two)"
	@test -x $(LABEL_STUDIO_VENV)/bin/python || $(PYTHON) -m venv $(LABEL_STUDIO_VENV)
	@$(LABEL_STUDIO_VENV)/bin/pip install $(PIP_FLAGS) --constraint $< label-studio==1.23.2
	@touch $@

# The system's Chromium; where it cannot be installed the browser tests say so (and fail under CI).
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
	command -v google-chrome >/dev/null || \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		echo "Installing Chromium for the browser tests"; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 || \
		echo "Chromium could not be installed: browser tests will not run"; \
	else \
		echo "No Chromium here and no right to install it: browser tests will not run"; \
	fi

# Independent of each other: `make --jobs 2 environments` sets them up side by side.
environments: $(VENV)/.installed-dev label-studio browser

# Two processes: one has the tests that share the one Label Studio, the other the rest.
# On both databases, but for browsers and the demo, which `test-postgresql` has too.
test: environments
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup --database both

test-postgresql: environments
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup --database postgresql -k postgresql

check: lint types layers test

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

layers: $(VENV)/.installed-dev
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) $(LABEL_STUDIO_VENV)
