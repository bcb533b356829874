# `make check` is what a change must pass; .ci/run does the same.
bin := .venv/bin
python := $(bin)/python

.PHONY: check check-static formatted linted typed floors generated env format test slow bench docs lock

check: check-static test

# Everything that can be said without running a test; `make -k check-static` says all of it.
check-static: formatted linted typed floors generated

formatted: env
	$(bin)/ruff format --check .

linted: env
	$(bin)/ruff check .

typed: env
	$(bin)/pyright

floors: env
	$(bin)/lint-imports --no-logo --no-cache

generated: env
	$(python) -m hybridcode.config.schema --json | cmp - docs/config.schema.json
	$(python) -m hybridcode.config.schema --markdown | cmp - docs/configuration.md

env:
	@./install.sh dev

format: env
	$(bin)/ruff format .
	$(bin)/ruff check --fix .

test:
	@./install.sh test

slow:
	@./install.sh test --slow

# One figure after the other, as benchmarks/README.md lists them.
bench: env
	$(python) -m benchmarks.startup
	$(python) -m benchmarks.context_scale .

docs: env
	$(python) -m hybridcode.config.schema --json > docs/config.schema.json
	$(python) -m hybridcode.config.schema --markdown > docs/configuration.md

# Needs uv and the network.
lock:
	uv lock
