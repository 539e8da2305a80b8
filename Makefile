# What one does with this tree. `make` alone lists it.

PYTHON ?= python3

# How many comments wait in the queues that are measured.
SIZES ?= 1000,100000

# How long each of the tests with random input goes on.
FUZZ_SECONDS ?= 300

# --quick, --check: see benchmarks/run.py.
BENCH ?=

SHELL = /bin/sh
.DEFAULT_GOAL = help
.DELETE_ON_ERROR:
.PHONY: help run test lint fuzz audit soak bench translations embed lock clean

# Every check runs, even after one failed; the names of those that failed come last.
CHECKS = "ruff check ." "ruff format --check ." "mypy --strict moderation" "lint-imports --no-logo" \
	"djlint --lint --quiet --allow-empty-input templates"
SUITE = "pytest -n 2 --dist loadfile"
run-all = failed=; for check in $(1); do echo "== $$check"; .venv/bin/$$check || failed="$$failed; $$check"; done; \
	test -z "$$failed" || { echo "Failed$$failed"; exit 1; }

INSTALL = .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes
COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade) pyproject.toml

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

# exec hands Ctrl-C and SIGTERM straight to the server, which ends with 0; so make has nothing to complain of.
run: .venv/run.stamp ## install what is missing, bring the database up to date, serve (PYTHON=python3.12 for another Python)
	@.venv/bin/flask --app wsgi db upgrade && exec .venv/bin/flask --app wsgi serve

test: .venv/tests.stamp ## every check and every test, but for the long ones
	@$(call run-all,$(CHECKS) $(SUITE))

lint: .venv/tests.stamp ## the checks alone: style, types, imports, templates
	@$(call run-all,$(CHECKS))

fuzz: .venv/tests.stamp ## long tests with random input (FUZZ_SECONDS=600 for so long each; 300 else)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) .venv/bin/pytest -m fuzz

# It asks the network for advisories. Where nothing was looked at, nothing was found, and that is a failure.
audit: .venv/tests.stamp ## known vulnerabilities of what is installed
	@.venv/bin/python -m tests.advisories

soak: .venv/tests.stamp ## long tests under load
	@.venv/bin/pytest -m soak

bench: .venv/tests.stamp ## measure reading and writing against others, ten minutes, into docs/benchmarks.md (BENCH=--quick for two)
	@.venv/bin/python -m benchmarks.run $(BENCH)

bench-queue: .venv/tests.stamp ## measure the queue (SIZES=1000,1000000 for a million that wait, an hour)
	@.venv/bin/python -m benchmarks.review --sizes $(SIZES)

# The newest texts go from the sources into every catalog, and what is translated is compiled; dates stay, so that a run
# with nothing new changes nothing.
translations: .venv/run.stamp ## bring the catalogs of moderation/translations up to date with the texts, and compile them
	@.venv/bin/pybabel -q extract --no-wrap --add-location=file --sort-by-file -F moderation/translations/babel.cfg \
		-o .venv/messages.pot .
	@.venv/bin/pybabel -q update --no-wrap --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date \
		-i .venv/messages.pot -d moderation/translations
	@.venv/bin/pybabel -q compile -d moderation/translations

# Nobody who runs the product needs node: the built file is committed.
embed: node_modules/.package-lock.json ## build embed.js from moderation/static/embed/ and the styles (needs node and npm)
	@npm run --silent build
	@gzip -9nc moderation/static/embed.js | wc -c | sed 's/$$/ bytes gzip of embed.js/'

node_modules/.package-lock.json: package.json package-lock.json
	@npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

lock: ## pin what pyproject.toml asks for, with hashes; needs uv (UPGRADE=1 takes the newest)
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	@$(COMPILE) --output-file requirements.txt
	@$(COMPILE) --extra tests --constraint requirements.txt --output-file tests/requirements.txt
	@! grep -nE -e '--(extra-)?index-url|--find-links|file://' requirements.txt tests/requirements.txt || \
		{ echo "These lines name a local index and must not be committed." >&2; exit 1; }

clean: ## remove the virtual environment and every cache; instance/ stays
	@rm -rf .venv node_modules .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -not -path '*/node_modules/*' -prune -exec rm -rf {} +

.venv/run.stamp: requirements.txt | .venv/bin/pip
	@echo "Installing requirements.txt into .venv"
	@$(INSTALL) -r requirements.txt
	@touch $@

.venv/tests.stamp: tests/requirements.txt | .venv/bin/pip
	@echo "Installing tests/requirements.txt into .venv"
	@$(INSTALL) -r tests/requirements.txt
	@touch $@

# $(error) says its one line and stops before anything of the recipe has run.
.venv/bin/pip:
	$(if $(shell $(PYTHON) -c 'import sys; print(sys.version_info >= (3, 11) or "")' 2>/dev/null),,\
		$(error Python 3.11 or newer is needed, and '$(PYTHON)' is not: try make $(MAKECMDGOALS) PYTHON=python3.11))
	$(if $(shell $(PYTHON) -c 'import ensurepip, venv; print(1)' 2>/dev/null),,\
		$(error '$(PYTHON)' cannot make a virtual environment: apt install python3-venv))
	@$(PYTHON) -m venv --clear .venv || { rm -rf .venv; echo "The virtual environment could not be made: apt install python3-venv" >&2; exit 1; }
