# orchestrd: everything a fresh machine needs is python3 (3.11 or newer, with venv), git and make.
#
# `.venv` is made by python3, gets a pinned uv from pip, and is filled by uv from uv.lock. Stamp files inside it make
# a second run instant; `make clean` forgets everything.

PYTHON ?= python3
UV_VERSION := 0.13.8

BIN := .venv/bin
UV_STAMP := .venv/.stamp-uv-$(UV_VERSION)
RUN := .venv/.stamp-run
DEV := .venv/.stamp-dev
# The agents that the tests and benchmarks drive, each in an environment of its own (1.7 GB in all). A VERSION that is
# named goes beside the pinned one. No script of a package runs; nothing is kept outside .venv, not even npm's cache.
AGENT ?= claude codex opencode gemini aider
VERSION ?=
PINNED := benchmarks/agents/versions.toml
AGENTS := $(foreach name,$(AGENT),.venv/agents/$(name)$(addprefix -,$(VERSION))/.stamp-$(or $(VERSION),$(shell \
  sed -n 's/^$(name) = "\([^"]*\)".*/\1/p' $(PINNED))))
# Which package of npm each is, and where in it the program for this platform is, or the one that npm itself would link.
PACKAGE_claude := @anthropic-ai/claude-code
PACKAGE_codex := @openai/codex
PACKAGE_opencode := opencode-ai
PACKAGE_gemini := @google/gemini-cli
PROGRAM_claude := @anthropic-ai/claude-code-*/claude
PROGRAM_codex := .bin/codex
PROGRAM_opencode := opencode-*/bin/opencode
PROGRAM_gemini := .bin/gemini
NPM_INSTALL = npm install --prefix $(NPM_PLACE) --cache $(NPM_PLACE)/.cache --ignore-scripts --no-save \
  --no-package-lock --no-audit --no-fund --no-update-notifier --fetch-retries=1 --fetch-retry-mintimeout=1000 --silent
# GitHub's own descriptions of its interfaces, in versions that are named here: the tests hold ours against them. Of the
# packages only the two files are kept, without what else lies in them (400 MB).
DESCRIBED := .venv/github/.stamp-23.0.2-15.26.1
DESCRIBED_FILES := openapi@23.0.2:generated/api.github.com.json graphql-schema@15.26.1:schema.graphql
# What is measured beside ours, each in an environment of its own, none of it a part of what we ship.
PM2_VERSION := 7.0.4
PEERS := $(patsubst %,.venv/peers/.stamp-%,supervisors cao pm2)
.venv/agents/%: NPM_PLACE = $(@D)
.venv/peers/.stamp-pm2: NPM_PLACE := .venv/peers/pm2
PURE := orchestrd/model/*,orchestrd/core/*

SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Nothing of a surrounding environment may leak into ours.
unexport VIRTUAL_ENV CONDA_PREFIX PYTHONHOME PYTHONPATH
unexport PIP_TARGET PIP_PREFIX PIP_ROOT PIP_REQUIRE_HASHES
export PIP_USER := 0
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/.venv
export UV_PYTHON := $(CURDIR)/.venv/bin/python3
export HYPOTHESIS_PROFILE ?= ci
# Certificates: the system's where it has any (a company's own are there), and the bundle that pip was told to use.
ifneq ($(wildcard /etc/ssl/certs/* /etc/pki/tls/certs/*),)
export UV_SYSTEM_CERTS ?= 1
endif
ifeq ($(SSL_CERT_FILE),)
ifneq ($(PIP_CERT),)
export SSL_CERT_FILE := $(PIP_CERT)
endif
endif

.PHONY: help demo test lint types walls unit real rest agents described peers bench truth docs clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-6s %s\n", $$1, $$2}' Makefile

demo: $(RUN) ## a tour of orchestrd on this machine; needs no agent and no account
	@$(BIN)/orch demo

test: ## everything that CI runs
	@$(MAKE) --no-print-directory -j3 -O lint types agents described # these come over the network meanwhile
	@$(MAKE) --no-print-directory walls unit

lint: $(DEV) ## format and style (ruff)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(DEV) ## types (mypy, strict)
	$(BIN)/mypy

walls: $(DEV) ## the floors: who may import whom (import-linter)
	$(BIN)/lint-imports

unit: $(DEV) $(AGENTS) $(DESCRIBED) ## all tests under coverage: 95 % of everything, 100 % of model and core, branches included
	@rm -f .coverage .coverage.*
	@$(MAKE) --no-print-directory -k -j2 -O real rest
	@$(BIN)/coverage combine --quiet
	@rm -f .coverage.* # what a killed process left half-written
	$(BIN)/coverage report
	$(BIN)/coverage report --include='$(PURE)' --fail-under=100

# Real programs are mostly waited for, and all else mostly computes: side by side they take little longer than one of them.
real: $(DEV) $(AGENTS) $(DESCRIBED)
	$(BIN)/coverage run -m pytest tests/acceptance

rest: $(DEV) $(AGENTS) $(DESCRIBED)
	$(BIN)/coverage run -m pytest --ignore=tests/acceptance

described: $(DESCRIBED)

agents: $(AGENTS) ## the real agents that the tests drive; one in a version: AGENT=claude VERSION=latest

peers: $(PEERS) ## the programs that are measured beside ours: supervisor, circus, pm2, cli-agent-orchestrator

bench: $(RUN) $(PEERS) ## measure: a table, and with BENCH='--json FILE' the same for programs
	$(BIN)/python -m benchmarks $(BENCH)

# What is asked for by name only is measured by itself, and compared with the documented run: a canary for drift.
truth: $(RUN) $(AGENTS) ## is what we say of agents true: a table; AGENT=claude VERSION=latest ARGS='--only plain'
	$(BIN)/python -m benchmarks.truth $(if $(filter command% environment%,$(origin AGENT)),$(addprefix --agent ,$(AGENT))) \
	  $(addprefix --version ,$(VERSION)) $(ARGS)

docs: | $(UV_STAMP) ## the documentation as a site, in build/site; a broken link is an error
	@$(BIN)/uv sync --frozen --only-group docs --inexact --quiet # without a stamp: `make test` takes it away again
	@$(BIN)/zensical build --clean --strict
	@echo "read it: $(CURDIR)/build/site/index.html; with search: python3 -m http.server -d build/site"

clean: ## remove .venv, caches and build products
	rm -rf .venv .cache .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

$(UV_STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "orchestrd needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V 2>/dev/null || echo missing)." >&2; \
	  echo "Name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' has no venv. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "making .venv ($$($(PYTHON) -V)), once"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python3 -m pip install --quiet --no-input --disable-pip-version-check 'uv==$(UV_VERSION)'
	@touch $@

# Without --inexact this would throw the developer's tools out of a .venv that has them.
$(RUN): pyproject.toml uv.lock | $(UV_STAMP)
	@$(BIN)/uv sync --frozen --no-dev --inexact --quiet
	@touch $@

$(DEV): pyproject.toml uv.lock | $(UV_STAMP)
	@$(BIN)/uv sync --frozen --quiet
	@touch $(RUN) $@

# Without npm or the registry there is no stamp: the next run tries again, and the tests that need it are skipped by name.
# None for `latest` either, which is another one tomorrow.
NAME = $(firstword $(subst -, ,$(notdir $(@D))))
WANTED = $(patsubst .stamp-%,%,$(@F))
STAMP = $(if $(filter latest,$(WANTED)),:,touch $@)

.venv/agents/%: | $(UV_STAMP)
	@rm -rf $(@D) && mkdir -p $(@D)
	@if ! command -v npm >/dev/null; then \
	  echo "npm is missing: the tests with $(NAME) will be skipped"; exit 0; \
	fi; \
	echo "installing $(NAME) $(WANTED), once"; \
	$(NPM_INSTALL) '$(PACKAGE_$(NAME))@$(WANTED)' >/dev/null || { \
	  echo "there is no $(NAME) $(WANTED) to be had: taking the latest, for which there may be no samples"; \
	  $(NPM_INSTALL) '$(PACKAGE_$(NAME))@latest' >/dev/null; \
	} || { echo "the npm registry is out of reach: the tests with $(NAME) will be skipped"; exit 0; }; \
	rm -rf $(@D)/.cache; mkdir $(@D)/.home; \
	for program in $(@D)/node_modules/$(PROGRAM_$(NAME)); do \
	  if HOME=$(abspath $(@D))/.home $$program --version >/dev/null 2>&1; then \
	    ln -sf "$${program#$(@D)/}" $(@D)/$(NAME); rm -rf $(@D)/.home; $(STAMP); exit 0; \
	  fi; \
	done; \
	echo "$(NAME) has no program for this platform: the tests with it will be skipped"

.venv/github/.stamp-%: | $(UV_STAMP)
	@rm -rf $(@D) && mkdir -p $(@D)
	@command -v npm >/dev/null || { echo "npm is missing: what is asked of GitHub will not be checked"; exit 0; }; \
	echo "fetching GitHub's descriptions of its interfaces, once"; cd $(@D) || exit 1; \
	for file in $(DESCRIBED_FILES); do \
	  npm pack --cache .cache --silent --fetch-retries=1 "@octokit/$${file%%:*}" >/dev/null && \
	  tar -xzf octokit-*.tgz --strip-components=$$(echo "package/$${file#*:}" | tr -dc / | wc -c) "package/$${file#*:}" || \
	  { echo "the npm registry is out of reach: what is asked of GitHub will not be checked"; exit 0; }; \
	  rm -f octokit-*.tgz; \
	done; rm -rf .cache; touch $(@F)

.venv/agents/aider%: benchmarks/agents/aider.txt | $(UV_STAMP)
	@echo "installing aider $(WANTED), once"
	@$(BIN)/uv venv --quiet --clear $(@D) && $(BIN)/uv pip install --quiet --python $(@D)/bin/python3 \
	  $(if $(VERSION),'aider-chat$(patsubst ==latest,,==$(VERSION))',--requirement $<) && \
	  ln -sf bin/aider $(@D)/aider && $(STAMP) || \
	  { rm -rf $(@D); echo "aider cannot be installed: the tests with it will be skipped"; }

# Without the registry there is no stamp: the next run tries again, and the table says what is not there.
.venv/peers/.stamp-%: benchmarks/peers/%.txt | $(UV_STAMP)
	@echo "installing $*, to be measured beside ours, once"
	@$(BIN)/uv venv --quiet --clear .venv/peers/$* && \
	  $(BIN)/uv pip install --quiet --python .venv/peers/$*/bin/python3 --requirement $< && touch $@ || \
	  { rm -rf .venv/peers/$*; echo "$* cannot be installed: nothing will be measured beside it"; }

.venv/peers/.stamp-pm2: | $(UV_STAMP)
	@mkdir -p .venv/peers
	@echo "installing pm2, to be measured beside ours, once"
	@command -v npm >/dev/null && $(NPM_INSTALL) 'pm2@$(PM2_VERSION)' >/dev/null && touch $@ || \
	  { rm -rf .venv/peers/pm2; echo "pm2 cannot be installed: nothing will be measured beside it"; }
	@rm -rf .venv/peers/pm2/.cache
