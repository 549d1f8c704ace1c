# Every target sets up what it needs; nothing is installed outside .venv but system packages (see scripts/).
.DEFAULT_GOAL := help
SHELL := /bin/bash

# Most tests wait for something: several run at a time, each file in one piece (WORKERS=0: one after the other).
WORKERS := 3
SIDE_BY_SIDE = $(if $(filter-out 0,$(WORKERS)),-n $(WORKERS) --dist loadfile)

.PHONY: help demo test chart-test check audit bench fmt stack bench-journal bench-scale soak torture proof docs lock

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

demo: ## start everything with simulated providers and post sample events (ONCE=1: end after the table)
	@scripts/setup
	@.venv/bin/postern demo $(if $(ONCE),--once)

test: ## every test but the chart's, on a private RabbitMQ and PostgreSQL (ARGS: what to hand to pytest)
	@scripts/setup tests
	@scripts/system-packages rabbitmq postgresql chromium node
	@scripts/setup-npm tests/newman
	@.venv/bin/python -m pytest $(SIDE_BY_SIDE) --ignore=tests/chart $(ARGS)

chart-test: ## the chart's tests: what it renders, by schemas and started here; builds helm where there is none
	@scripts/setup tests
	@scripts/system-packages rabbitmq postgresql chromium node prometheus
	@scripts/setup-helm 3
	@scripts/setup-npm tests/chart/schemas
	@.venv/bin/python -m pytest $(SIDE_BY_SIDE) $(or $(ARGS),tests/chart)

check: ## lint, format, types and import arrows
	@scripts/setup tests
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/python -m pytest -q tests/unit/test_arrows.py

audit: ## known vulnerabilities of the locked packages, where a service for them answers
	@scripts/setup tests
	@scripts/audit

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
	@scripts/system-packages node
	@scripts/setup-peers
	@.venv/bin/python -m bench --peers $(ARGS)

bench-journal: ## a small and a large journal beside each other (ARGS='--actions 1000000 --plans', --sqlite)
	@scripts/setup tests
	@scripts/system-packages postgresql
	@.venv/bin/python -m bench.journal $(ARGS)

bench-scale: ## what an event costs at each station, and what larger rates take (ARGS='--rounds 3')
	@scripts/setup tests
	@scripts/system-packages rabbitmq postgresql
	@.venv/bin/python -m bench.scale $(ARGS)

bench-workers: ## a gateway of one worker beside one of several (ARGS='--workers 2')
	@scripts/setup tests
	@scripts/system-packages rabbitmq postgresql
	@.venv/bin/python -m bench.workers $(ARGS)

soak: ## the whole way at 70 % of its maximum for half an hour: the first minutes beside the last ones
	@scripts/setup tests
	@scripts/system-packages rabbitmq postgresql
	@.venv/bin/python -m bench.soak $(ARGS)

torture: ## random faults everywhere for a while (MINUTES=2 SEED=: a seed makes the same schedule again)
	@scripts/setup tests
	@scripts/system-packages rabbitmq postgresql
	@.venv/bin/python -m tests.torture --minutes $(or $(MINUTES),2) $(if $(SEED),--seed $(SEED))

proof: ## the long runs, an hour and more: torture, kills, a dead provider, a campaign, a replay, a cluster
	@scripts/setup tests
	@scripts/system-packages rabbitmq postgresql chromium node prometheus
	@scripts/setup-helm 3
	@scripts/setup-helm 4
	@scripts/setup-npm tests/chart/schemas
	@POSTERN_TEST_HELM=.tools/bin/helm4 .venv/bin/python -m pytest -q tests/chart
	@.venv/bin/python -m tests.image.replay
	@.venv/bin/python -m tests.chaos --events 10000
	@.venv/bin/python -m tests.bulk --texts 5000 --gather 25
	@.venv/bin/python -m tests.replay_proof --actions 10000
	@.venv/bin/python -m tests.urgent_proof --bulk 100000
	@.venv/bin/python -m tests.outage_proof --down 600
	@.venv/bin/python -m tests.cluster_proof
	@.venv/bin/python -m tests.conforming --examples 1300 --seed 1
	@.venv/bin/python -m tests.fuzz --seconds 300
	@.venv/bin/python -m tests.slow_clients --connections 1000
	@.venv/bin/python -m tests.chart.watching --minutes 2
	@for seed in 1 2 3; do .venv/bin/python -m tests.torture --minutes 10 --seed $$seed || exit 1; done

docs: ## write the pages and dashboards that are made from the code
	@scripts/setup
	@.venv/bin/postern providers --page > docs/providers.md
	@.venv/bin/postern schemas --page > docs/events.md
	@.venv/bin/postern metrics --page > docs/metrics.md
	@.venv/bin/python scripts/chart-readme > charts/postern/README.md
	@.venv/bin/python -m scripts.dashboards

lock: ## compile the lock files anew (ARGS=--upgrade: with the newest versions allowed)
	@scripts/setup tests
	@scripts/lock $(ARGS)
