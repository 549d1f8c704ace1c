# Every target sets up what it needs; nothing is installed outside .venv but system packages (see scripts/).
.DEFAULT_GOAL := help
SHELL := /bin/bash

.PHONY: help demo test check bench fmt stack proof docs lock

help: ## this list
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

demo: ## start everything with simulated providers and post sample events (ONCE=1: end after the table)
	@scripts/setup
	@.venv/bin/postern demo $(if $(ONCE),--once)

test: ## every test, on a private RabbitMQ and PostgreSQL (ARGS: what to hand to pytest)
	@scripts/setup tests
	@scripts/system-packages rabbitmq postgresql chromium node
	@scripts/setup-newman
	@.venv/bin/python -m pytest $(ARGS)

check: ## lint, format, types and import arrows
	@scripts/setup tests
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/python -m pytest -q tests/unit/test_arrows.py

fmt: ## format the code and apply safe fixes
	@scripts/setup tests
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

stack: ## RabbitMQ, PostgreSQL, gateway, two consumers and the sandbox as processes of their own
	@scripts/setup tests
	@scripts/system-packages rabbitmq postgresql
	@.venv/bin/python -m tests.stack

bench: ## measure every case beside bare peers (ARGS=--readme: and put the table into the README)
	@scripts/setup tests
	@scripts/system-packages rabbitmq postgresql
	@.venv/bin/python -m bench $(ARGS)

proof: ## the long runs: 10,000 events while processes are killed, 5,000 texts of a campaign, 10,000 replayed (ARGS: --events N)
	@scripts/setup tests
	@scripts/system-packages rabbitmq postgresql
	@.venv/bin/python -m tests.chaos $(ARGS)
	@.venv/bin/python -m tests.bulk --texts 5000 --gather 25
	@.venv/bin/python -m tests.replay_proof --actions 10000

docs: ## write the pages that are made from the code
	@scripts/setup
	@.venv/bin/postern providers --page > docs/providers.md

lock: ## compile the lock files anew (ARGS=--upgrade: with the newest versions allowed)
	@scripts/setup tests
	@scripts/lock $(ARGS)
