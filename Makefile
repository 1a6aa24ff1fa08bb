# `make demo` judges the sample calls and writes the report; `make test` runs every test. Both install first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint types supply audit lock bench readme screenshots browser voices postgres node java clean

demo: .venv/installed
	@$(BIN)/callqa check conduct_specs/calls tests/data/calls --report callqa-report/report.html \
	  --ledger callqa-report/ledger.jsonl || [ $$? -eq 1 ]
	@echo "Open callqa-report/report.html in a browser."

test: .venv/installed browser voices postgres node java
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=100

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed
	$(BIN)/mypy

supply: .venv/installed
	$(BIN)/python .ci/supply.py

audit: .venv/installed
	$(BIN)/python .ci/audit.py $(if $(OSV_URL),--osv-url $(OSV_URL))

bench: .venv/installed
	$(BIN)/python -m benchmarks

readme: .venv/installed
	$(BIN)/python docs/refresh_readme.py

screenshots: .venv/installed browser
	$(BIN)/python docs/take_screenshots.py

browser:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq chromium >/dev/null; } \
	  || { echo "The browser tests need Chromium; install it, on Debian: apt-get install chromium"; exit 1; }

node: .venv/installed
	@command -v npm >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq nodejs npm >/dev/null; } \
	  || { echo "The tests of bots need Node.js and npm; install them, on Debian: apt-get install nodejs npm"; exit 1; }
	@[ -e .venv/node/node_modules ] || npm install --prefix .venv/node --silent --no-audit --no-fund --ignore-scripts \
	  @jambonz/sdk@0.10.1 express@5 offline-directline@1.3.1 >/dev/null

voices:
	@{ command -v espeak-ng && command -v sox; } >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq espeak-ng sox >/dev/null; } \
	  || { echo "The tests of recordings need espeak-ng and sox; install them, on Debian: apt-get install espeak-ng sox"; exit 1; }

postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || \
	  { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq postgresql >/dev/null; } \
	  || { echo "The tests of a shared history need PostgreSQL; install it, on Debian: apt-get install postgresql"; exit 1; }

java:
	@command -v java >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq default-jre-headless >/dev/null; } \
	  || { echo "The test of Spark needs Java; install it, on Debian: apt-get install default-jre-headless"; exit 1; }

lock: .venv/installed
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --upgrade --quiet --output-file requirements-dev.txt

.venv/installed: pyproject.toml requirements-dev.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

clean:
	rm -rf .venv callqa-report .callqa .pytest_cache .mypy_cache .ruff_cache .hypothesis
