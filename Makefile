# `make demo` and `make test` set up what they need in .venv, with the versions of constraints/.
PYTHON ?= python3
VENV := .venv
# test,parity also compares with PyTorch; see setup.cfg
EXTRAS ?= test

# Interpreters that pyenv has installed count, too, not only those that it has switched on.
ifneq ($(shell command -v pyenv 2>/dev/null),)
export PYENV_VERSION := $(shell { pyenv version-name | tr : '\n'; pyenv versions --bare; } | awk '!seen[$$0]++' | paste -sd : -)
endif

# An exported variable does not reach $(shell) before GNU make 4.4.
VERSION := $(shell PYENV_VERSION="$(PYENV_VERSION)" $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
CONSTRAINTS := constraints/$(VERSION).txt
READY := $(VENV)/.ready-$(VERSION)-$(EXTRAS)

.PHONY: demo lint check test smoke test-all-pythons constraints clean

demo: $(READY)
	$(VENV)/bin/python run.py --workdir runs/demo

# Style, spelling, which folder may import which, and types.
lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/codespell
	$(VENV)/bin/lint-imports
	$(VENV)/bin/mypy

# For every save: lint and the tests of pure functions.
check: lint
	$(VENV)/bin/python -m pytest -n 2 -q -m pure

test: lint
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile $(if $(findstring parity,$(EXTRAS)),--parity)

# Imports, a crop, a training step, a score: compiled as users do it, and on a second Python, too.
smoke: $(READY)
	XLA_FLAGS= $(VENV)/bin/python -m pytest -m smoke
	$(VENV)/bin/nox --session smoke

test-all-pythons: $(READY)
	$(VENV)/bin/nox --session tests

# Installs the newest versions that setup.cfg allows and, where they work, writes them down.
constraints: $(READY)
	$(VENV)/bin/nox --session constraints

clean:
	rm -rf $(VENV) .nox runs

# Again whenever the interpreter, the extras or the requirements change.
$(READY): setup.cfg pyproject.toml $(wildcard constraints/*.txt)
	@test -f $(CONSTRAINTS) || { echo "expected Python 3.11, 3.12 or 3.13, got $(PYTHON)," \
		"which is $(or $(VERSION),not to be found); try make PYTHON=python3.13" >&2; exit 1; }
	@echo "setting up $(VENV) with Python $(VERSION), once; some minutes"
	@$(PYTHON) -m venv $(if $(wildcard $(VENV)/.ready-$(VERSION)-*),,--clear) $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint $(CONSTRAINTS) --editable '.[$(EXTRAS)]'
	@touch $@
