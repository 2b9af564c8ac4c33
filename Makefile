# `make` lists the targets. Values may be given as in: make reports PERIOD=2025-10 DATA="my data"

PYTHON ?= python3
DATA ?= data/sample
PARAMS ?= params
OUT ?= reports
ENGINE ?= auto
export PERIOD SPECIALIST DATA PARAMS OUT JOBS ENGINE AS_OF TO RESOLVE
# uv does not compile packages: without bytecode files each process would compile all that it imports
unexport PYTHONDONTWRITEBYTECODE

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
# whole scorecards by the dozen
QUICK += $(addprefix --ignore=tests/,report/test_recompute.py report/test_notebook_api.py scorecard/test_record.py \
  scorecard/test_smart_audit.py scorecard/test_unchanged_agency.py)
COMPILE = $(UV) pip compile pyproject.toml --quiet --generate-hashes --universal --python-version 3.11 \
  --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock"
FOLDERS = --data "$$DATA" --params "$$PARAMS"

# What make itself says is in the language of the locale, else in Russian, as what the kit says
SPOKEN := $(if $(filter en%,$(firstword $(LC_ALL) $(LC_MESSAGES) $(LANG))),en,ru)
OLD_en = kpi-kit needs Python 3.11 or newer as $(PYTHON); make PYTHON=/path/to/python3.11 names another
OLD_ru = для kpi-kit нужен Python 3.11 или новее, а «$(PYTHON)» не подходит; другой: make PYTHON=/path/to/python3.11
BARE_en = kpi-kit needs Python's venv, which $(PYTHON) lacks: on Debian and Ubuntu, apt-get install python3-venv
BARE_ru = для kpi-kit нужен модуль venv, которого у «$(PYTHON)» нет: в Debian и Ubuntu — apt-get install python3-venv
COMING_en = Installing into .venv, packages at most:
COMING_ru = Установка в .venv, пакетов не больше:

.DEFAULT_GOAL := help
.PHONY: help setup develop conda conda-lab conda-dev reports mail check lab test test-quick coverage lint format bench \
  bench-large bench-imports bench-statistics bench-alerts soak soak-dask soak-mail soak-store fuzz oracle mutants audit sbom licences docs lock clean
.DELETE_ON_ERROR:

help: ## list these commands | список этих команд
	@awk -F ':.*## | [|] | [[]' -v text=$(if $(filter en,$(SPOKEN)),2,3) '/^[a-z-]+:.*## / { \
	  printf "make %-16s %s%s\n", $$1, $$text, (NF > 3 ? " [" $$4 : "") }' $(firstword $(MAKEFILE_LIST))

setup: $(REPORTS) ## install what reports need, into .venv or the active conda environment; the other commands call it | установить всё для отчётов в .venv или в активное окружение conda; остальные команды делают это сами

develop: $(DEV) ## install what tests and checks need | установить всё для тестов и проверок

# What is installed is that lock and nothing else. Packages that are there already are kept, and downloads
# are cached, so an interrupted set-up goes on where it stopped.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "$(OLD_$(SPOKEN))" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(BARE_$(SPOKEN))" >&2; exit 1; }
	@$(PY) -c 'pass' 2>/dev/null || { rm -rf .venv && $(PYTHON) -m venv .venv; }
	@$(PY) -m uv --version >/dev/null 2>&1 || \
	  { sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.lock > .venv/uv.lock && \
	    $(PY) -m pip install --quiet --require-hashes --no-deps -r .venv/uv.lock; }
	@echo "$(COMING_$(SPOKEN)) $$(grep -c '^[a-z0-9-]*==' $(1)) …" >&2
	@$(UV) pip install --quiet --python $(PY) --require-hashes -r $(1)
	@$(UV) pip install --quiet --python $(PY) --no-deps --editable .
	@$(PY) -m compileall -q kpi_kit
endef

.venv/.reports: pyproject.toml requirements.lock
	$(call install,requirements.lock)
	@touch $@

.venv/.lab: pyproject.toml requirements-lab.lock
	$(call install,requirements-lab.lock)
	@touch .venv/.reports $@

.venv/.dev: pyproject.toml requirements-dev.lock
	$(call install,requirements-dev.lock)
	@touch .venv/.reports .venv/.lab $@

# The environment is the user's own: only what it lacks is added.
conda: pyproject.toml
	@$(PY) -c 'import kpi_kit, papermill, duckdb' 2>/dev/null || $(PY) -m pip install --quiet --editable .

conda-lab: pyproject.toml
	@$(PY) -c 'import kpi_kit, jupyterlab, ipywidgets' 2>/dev/null || $(PY) -m pip install --quiet --editable '.[lab]'

conda-dev: pyproject.toml
	@$(PY) -c 'import kpi_kit, pytest, ruff, mypy, axe_playwright_python' 2>/dev/null || \
	  $(PY) -m pip install --quiet --editable '.[lab,dask,remote,dev]'

reports: setup ## all reports of the period, and the department's | все отчёты периода и отчёт отдела [PERIOD= SPECIALIST= DATA= PARAMS= OUT= JOBS= ENGINE= AS_OF= FORCE= PDF=]
	@$(PY) -m kpi_kit run $(FOLDERS) --out "$$OUT" --engine "$$ENGINE" $(if $(PERIOD),--period "$$PERIOD") \
	  $(if $(SPECIALIST),--specialist "$$SPECIALIST") $(if $(JOBS),--jobs "$$JOBS") $(if $(AS_OF),--as-of "$$AS_OF") $(if $(FORCE),--force) $(if $(filter yes,$(PDF)),--pdf)

mail: setup ## the directors' messages of a period, sent with SEND=yes | письма директорам за период, с SEND=yes — отправляет [PERIOD= SEND= RESEND= RESOLVE= PRELIMINARY= TO= DATA= PARAMS= OUT=]
	@$(PY) -m kpi_kit mail $(FOLDERS) --out "$$OUT" $(if $(PERIOD),--period "$$PERIOD") $(if $(filter yes,$(SEND)),--send) \
	  $(if $(filter yes,$(RESEND)),--resend) $(if $(filter yes,$(PRELIMINARY)),--preliminary) \
	  $(if $(RESOLVE),--resolve "$$RESOLVE") $(if $(TO),--to "$$TO")

check: setup ## check params and data, without reports | проверить настройки и данные, без отчётов [PERIOD= DATA= PARAMS= AS_OF=]
	@$(PY) -m kpi_kit check $(FOLDERS) $(if $(PERIOD),--period "$$PERIOD") $(if $(AS_OF),--as-of "$$AS_OF")

# People run copies, so that git sees no change of the notebooks themselves.
lab: $(LAB) ## JupyterLab with the project; its notebooks are copied to work/ | JupyterLab с папкой проекта; блокноты копируются в work/ [LAB_ARGS=]
	@mkdir -p work && for file in notebooks/*.ipynb; do [ -e "work/$${file##*/}" ] || cp "$$file" work/; done
	@$(PY) -m jupyterlab --ServerApp.root_dir=. work/explore.ipynb $(LAB_ARGS)

test: develop ## the whole test suite | все тесты
	@$(PYTEST) $(PYTEST_ARGS)

test-quick: develop ## the tests for a change of a formula, a text or a page: under a minute | тесты для правки формулы, текста или страницы: меньше минуты
	@$(PYTEST) $(QUICK) $(PYTEST_ARGS)

coverage: develop ## the whole test suite with coverage of lines and branches; fails under 90 % | все тесты с покрытием строк и ветвей кода; ниже 90 % — ошибка
	@$(PYTEST) --cov --cov-report=term $(PYTEST_ARGS)

lint: develop ## ruff and mypy | ruff и mypy
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

format: develop ## format the code with ruff | отформатировать код с помощью ruff
	@$(PY) -m ruff check --fix --quiet .
	@$(PY) -m ruff format .

bench: develop ## time the KPIs, the figures, and a month of reports beside the usual ways to make them | замерить время показателей, графиков и месяца отчётов в сравнении с обычными способами [BENCH_ARGS=]
	@missed=0; $(PY) benchmarks/kpis.py || missed=1; $(PY) benchmarks/figures.py || missed=1; \
	  $(PY) benchmarks/batch.py $(BENCH_ARGS) || missed=1; exit $$missed

soak: develop ## runs with random faults, twenty seeds | запуски со случайными сбоями, двадцать вариантов [SOAK_ARGS=]
	@$(PY) benchmarks/soak.py $(SOAK_ARGS)

soak-dask: develop ## 24 reports on a cluster while a worker is killed | 24 отчёта на кластере, один из исполнителей которого завершают принудительно
	@$(PY) benchmarks/cluster.py

bench-large: develop ## do six reports take longer when the data also hold 20 million rows of other accounts? | замедляются ли шесть отчётов от 20 миллионов строк чужих аккаунтов [BENCH_ARGS=--rows=200000000]
	@$(PY) benchmarks/large.py $(BENCH_ARGS)

bench-imports: develop ## time and memory of a large Telegram export and of five million leads | время и память на большой выгрузке Telegram и пяти миллионах лидов
	@$(PY) benchmarks/imports.py

fuzz: develop ## ten minutes of damaged exports, params, periods, messages and tables: each is read, or refused in one sentence | десять минут испорченных выгрузок, настроек, периодов, писем и таблиц: каждая прочитана или отклонена одной фразой
	@$(PY) tests/fuzz_targets.py 600

bench-statistics: develop ## false alarms, power and coverage of the verdicts, beside other tests | ложные тревоги, мощность и покрытие выводов в сравнении с другими критериями [ARGS=--quick]
	@$(PY) benchmarks/verdicts.py $(ARGS)

soak-store: develop ## imports and reports under kills, a full disk, two writers and readers | загрузки и отчёты при сбоях процессов и полном диске, с двумя писателями и читателями [SOAK_ARGS=]
	@$(PY) benchmarks/store.py $(SOAK_ARGS)

bench-alerts: develop ## the worth of alarms on the sample, and the digests of a month | качество предупреждений на примере и сводки за месяц [ARGS=--quick]
	@$(PY) benchmarks/alerts.py $(ARGS)

oracle: develop ## compare two thousand random agencies with two independent programs, in Python and in SQL | сверить расчёты двух тысяч случайных агентств с двумя независимыми программами, на Python и на SQL [ORACLE_ARGS=count first]
	@$(PY) tests/agreement.py $(or $(ORACLE_ARGS),2000)

mutants: develop ## change formulas a little; do the tests fail? | слегка изменить формулы и посмотреть, заметят ли это тесты [MUTANTS_ARGS=]
	@$(PY) benchmarks/mutants.py $(MUTANTS_ARGS)

audit: develop ## known vulnerabilities of the pinned packages, and packages without releases | известные уязвимости закреплённых пакетов и пакеты без новых выпусков
	@$(PY) .ci/audit

sbom: develop ## write sbom.json: every installed package with its version and licence | записать sbom.json: все установленные пакеты, их версии и лицензии
	@$(PY) -m cyclonedx_py environment $(PY) --pyproject pyproject.toml --gather-license-texts \
	  --output-reproducible --output-format JSON --output-file sbom.json
	@echo sbom.json

licences: develop ## the licences of the packages that the kit needs to run | лицензии пакетов, которые нужны для работы
	@$(PY) .ci/licences

soak-mail: develop ## send to 200 directors through a faulty server while the sender is killed 50 times | отправить письма 200 директорам через сбоящий сервер, 50 раз прервав отправку
	@$(PY) benchmarks/mail.py

docs: develop ## write the documents and schemas that follow from the code | обновить документы и схемы, которые создаются из кода [DOCS_ARGS=--check]
	@$(PY) docs/generate.py $(DOCS_ARGS)

lock: develop ## pin every dependency: requirements.lock for reports, -lab with JupyterLab, -dev with everything | закрепить версии: requirements.lock — для отчётов, -lab — ещё и JupyterLab, -dev — всё
	@$(COMPILE) --upgrade --all-extras -o requirements-dev.lock
	@$(COMPILE) --constraint requirements-dev.lock --extra lab -o requirements-lab.lock
	@$(COMPILE) --constraint requirements-dev.lock -o requirements.lock

clean: ## remove the environment and caches; reports stay | удалить окружение и кэши; отчёты остаются
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* htmlcov build dist
	@find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
