# `make` lists the targets. Values may be given as in: make reports PERIOD=2025-10 DATA="my data"

PYTHON ?= python3
DATA ?= data/sample
PARAMS ?= params
OUT ?= reports
ENGINE ?= auto
export PERIOD SPECIALIST DATA PARAMS OUT JOBS ENGINE AS_OF TO RESOLVE

ifdef CONDA_PREFIX
PY := "$(CONDA_PREFIX)/bin/python"
REPORTS := conda
LAB := conda-lab
DEV := conda-dev
else
PY := .venv/bin/python
REPORTS := .venv/.reports
LAB := .venv/.lab
DEV := .venv/.dev
endif
UV := $(PY) -m uv
# there is a process a core: threads of OpenBLAS would only fight
PYTEST := OPENBLAS_NUM_THREADS=1 $(PY) -m pytest -n auto --dist worksteal
QUICK := tests/kpis tests/params tests/statistics tests/scorecard tests/report tests/test_catalogue.py tests/test_sample.py tests/test_layers.py
COMPILE = $(UV) pip compile pyproject.toml --quiet --generate-hashes --universal --python-version 3.11 \
  --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock"
FOLDERS = --data "$$DATA" --params "$$PARAMS"

.DEFAULT_GOAL := help
.PHONY: help setup develop conda conda-lab conda-dev reports mail check lab test test-quick coverage lint format bench \
  bench-large bench-imports bench-statistics bench-alerts soak soak-dask soak-mail soak-store fuzz oracle mutants audit sbom licences docs lock clean
.DELETE_ON_ERROR:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(REPORTS) ## set up what reports need (the others call it)

develop: $(DEV) ## set up what tests and checks need besides

# What is installed is that lock and nothing else. Packages that are there already are kept, and downloads
# are cached, so an interrupted set-up goes on where it stopped.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "kpi-kit needs Python 3.11 or newer as $(PYTHON); make PYTHON=/path/to/python3.11 names another" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "kpi-kit needs Python's venv, which $(PYTHON) lacks: on Debian and Ubuntu, apt-get install python3-venv" >&2; exit 1; }
	@$(PY) -c 'pass' 2>/dev/null || { rm -rf .venv && $(PYTHON) -m venv .venv; }
	@$(PY) -m uv --version >/dev/null 2>&1 || \
	  { sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.lock > .venv/uv.lock && \
	    $(PY) -m pip install --quiet --require-hashes --no-deps -r .venv/uv.lock; }
	@echo "Installing what $(1) need: $$(grep -c '^[a-z0-9-]*==' $(2)) packages at most, into .venv …" >&2
	@$(UV) pip install --quiet --python $(PY) --require-hashes -r $(2)
	@$(UV) pip install --quiet --python $(PY) --no-deps --editable .
	@$(PY) -m compileall -q kpi_kit
endef

.venv/.reports: pyproject.toml requirements.lock
	$(call install,reports,requirements.lock)
	@touch $@

.venv/.lab: pyproject.toml requirements-lab.lock
	$(call install,JupyterLab and reports,requirements-lab.lock)
	@touch .venv/.reports $@

.venv/.dev: pyproject.toml requirements-dev.lock
	$(call install,tests and all else,requirements-dev.lock)
	@touch .venv/.reports .venv/.lab $@

# The environment is the user's own: only what it lacks is added.
conda: pyproject.toml
	@$(PY) -c 'import kpi_kit, papermill, duckdb' 2>/dev/null || $(PY) -m pip install --quiet --editable .

conda-lab: pyproject.toml
	@$(PY) -c 'import kpi_kit, jupyterlab, ipywidgets' 2>/dev/null || $(PY) -m pip install --quiet --editable '.[lab]'

conda-dev: pyproject.toml
	@$(PY) -c 'import kpi_kit, pytest, ruff, mypy, axe_playwright_python' 2>/dev/null || \
	  $(PY) -m pip install --quiet --editable '.[lab,dask,remote,dev]'

reports: setup ## every report of the period, and the department's [PERIOD= SPECIALIST= DATA= PARAMS= OUT= JOBS= ENGINE= AS_OF= FORCE= PDF=]
	@$(PY) -m kpi_kit run $(FOLDERS) --out "$$OUT" --engine "$$ENGINE" $(if $(PERIOD),--period "$$PERIOD") \
	  $(if $(SPECIALIST),--specialist "$$SPECIALIST") $(if $(JOBS),--jobs "$$JOBS") $(if $(AS_OF),--as-of "$$AS_OF") $(if $(FORCE),--force) $(if $(filter yes,$(PDF)),--pdf)

mail: setup ## the directors' messages of a period, sent with SEND=yes [PERIOD= SEND= RESEND= RESOLVE= PRELIMINARY= TO= DATA= PARAMS= OUT=]
	@$(PY) -m kpi_kit mail $(FOLDERS) --out "$$OUT" $(if $(PERIOD),--period "$$PERIOD") $(if $(filter yes,$(SEND)),--send) \
	  $(if $(filter yes,$(RESEND)),--resend) $(if $(filter yes,$(PRELIMINARY)),--preliminary) \
	  $(if $(RESOLVE),--resolve "$$RESOLVE") $(if $(TO),--to "$$TO")

check: setup ## params and data, without rendering [PERIOD= DATA= PARAMS= AS_OF=]
	@$(PY) -m kpi_kit check $(FOLDERS) $(if $(PERIOD),--period "$$PERIOD") $(if $(AS_OF),--as-of "$$AS_OF")

# People run copies, so that git sees no change of the notebooks themselves.
lab: $(LAB) ## JupyterLab with the project, and copies of the notebooks in work/ [LAB_ARGS=]
	@mkdir -p work && for file in notebooks/*.ipynb; do [ -e "work/$${file##*/}" ] || cp "$$file" work/; done
	@$(PY) -m jupyterlab --ServerApp.root_dir=. work/explore.ipynb $(LAB_ARGS)

test: develop ## the whole test suite
	@$(PYTEST) $(PYTEST_ARGS)

test-quick: develop ## what a change of a formula, a text or a page needs: under a minute
	@$(PYTEST) $(QUICK) $(PYTEST_ARGS)

coverage: develop ## the whole test suite, and which lines and branches it reaches: under 90 % it fails
	@$(PYTEST) --cov --cov-report=term $(PYTEST_ARGS)

lint: develop ## ruff and mypy
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

format: develop ## let ruff put the code in order
	@$(PY) -m ruff check --fix --quiet .
	@$(PY) -m ruff format .

bench: develop ## time the KPIs, the figures, and a month of reports beside the usual ways [BENCH_ARGS=]
	@missed=0; $(PY) benchmarks/kpis.py || missed=1; $(PY) benchmarks/figures.py || missed=1; \
	  $(PY) benchmarks/batch.py $(BENCH_ARGS) || missed=1; exit $$missed

soak: develop ## batches in which things go wrong at random, twenty seeds [SOAK_ARGS=]
	@$(PY) benchmarks/soak.py $(SOAK_ARGS)

soak-dask: develop ## 24 reports on a cluster of two workers, one of which is killed
	@$(PY) benchmarks/cluster.py

bench-large: develop ## six reports over 20 million rows beside those over their own rows alone [BENCH_ARGS=--rows=200000000]
	@$(PY) benchmarks/large.py $(BENCH_ARGS)

bench-imports: develop ## time and memory of a large Telegram export and of five million leads
	@$(PY) benchmarks/imports.py

fuzz: develop ## ten minutes of damaged exports, params, periods, messages, tables: each is read, or refused in one sentence
	@$(PY) tests/fuzz_targets.py 600

bench-statistics: develop ## what the verdicts are worth, beside what they were, with marks [ARGS=--quick]
	@$(PY) benchmarks/verdicts.py $(ARGS)

soak-store: develop ## a data folder under kills, a full disk, two writers and readers [SOAK_ARGS=]
	@$(PY) benchmarks/store.py $(SOAK_ARGS)

bench-alerts: develop ## what alarms on the sample are worth, and who is told what in a month, with a sender that dies [ARGS=--quick]
	@$(PY) benchmarks/alerts.py $(ARGS)

oracle: develop ## two thousand random agencies beside two independent readings of the design [ORACLE_ARGS=count first]
	@$(PY) tests/agreement.py $(or $(ORACLE_ARGS),2000)

mutants: develop ## small changes of the formulas: do the tests see each? [MUTANTS_ARGS=]
	@$(PY) benchmarks/mutants.py $(MUTANTS_ARGS)

audit: develop ## known vulnerabilities of the pinned packages, and packages without releases
	@$(PY) .ci/audit

sbom: develop ## write sbom.json: every installed package with its version and licence (CycloneDX)
	@$(PY) -m cyclonedx_py environment $(PY) --pyproject pyproject.toml --gather-license-texts \
	  --output-reproducible --output-format JSON --output-file sbom.json
	@echo sbom.json

licences: develop ## the licences of the packages that the kit needs to run
	@$(PY) .ci/licences

soak-mail: develop ## send to 200 directors by a bad server while the sender is killed 50 times
	@$(PY) benchmarks/mail.py

docs: develop ## write the pages and schemas that follow from the code [DOCS_ARGS=--check]
	@$(PY) docs/generate.py $(DOCS_ARGS)

lock: develop ## pin every dependency anew, a lock for reports, for JupyterLab, and for everything
	@$(COMPILE) --upgrade --all-extras -o requirements-dev.lock
	@$(COMPILE) --constraint requirements-dev.lock --extra lab -o requirements-lab.lock
	@$(COMPILE) --constraint requirements-dev.lock -o requirements.lock

clean: ## remove the environment and caches; reports stay
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* htmlcov build dist
	@find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
