# "make" lists the targets. All that is needed beforehand: python3 (3.11 to 3.13), git and make.
PYTHON ?= python3
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.NOTPARALLEL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

NAMESPACE := hybridvm
NAME := checkpoints
VENV := .venv
TOOLS := .venv-tools
TREE := build/ansible_collections/$(NAMESPACE)/$(NAME)
LINKS := build/links/ansible_collections/$(NAMESPACE)/$(NAME)

# Found before the environments come first on PATH, so that it stays the one named, not a copy of itself.
override PYTHON := $(or $(shell command -v $(PYTHON) 2>/dev/null),$(PYTHON))
# The Python in use is the one named; an environment made by another one is made anew.
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
GET_PIP_VERSION := $(if $(filter 3.11,$(VERSION)),24.2,25.2)
GET_PIP := $(HOME)/.ansible/test/cache/get_pip_$(subst .,_,$(GET_PIP_VERSION)).py
CORE = $(shell sed -n 's/^ansible-core\(.*\); python_version $(if $(filter 3.11,$(VERSION)),<,>=).*/ansible-core\1/p' requirements-core.txt)

export PATH := $(CURDIR)/$(VENV)/bin:$(CURDIR)/$(TOOLS)/bin:$(PATH)
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/build
# Some machines forbid bytecode, and every pytest and simulator would compile all it imports anew.
export PYTHONDONTWRITEBYTECODE :=

# Tests that start ansible-playbook have a phase of their own: each takes seconds, and shows no coverage.
PLAYBOOKS := tests/contract/playbooks
WITHOUT_PLAYBOOKS := --ignore $(PLAYBOOKS)
# These show no coverage either: the simulator and the plugins do not know each other.
OF_SIMULATOR := tests/contract/simulator

# Every phase says how long it took; "make test" ends with the table.
BEGIN = @mkdir -p build; printf '\n== %s\n' $@; SECONDS=0; phases=$(CURDIR)/build/phases
END = printf '== %s: %s s\n' $@ $$SECONDS; printf '%-12s %4s s\n' $@ $$SECONDS >> "$$phases"

.PHONY: help
help:  ## print this list
	@printf 'make TARGET [PYTHON=python3.12]\n\n'
	sed -nE 's/^([a-z-]+):.*## (.*)/  \1\t\2/p' Makefile | expand -t 16

.PHONY: demo
demo: $(VENV)/demo-ready build/tree  ## see the collection at work on a simulated world
	@PYTHONPATH=. python tools/demo.py

.PHONY: simulator
simulator: $(VENV)/demo-ready build/tree  ## run the simulated services until Ctrl-C
	@echo 'The simulator runs in the foreground; Ctrl-C ends it. Options: python -m simulator --help'
	exec python -m simulator $(ARGS)

# What takes long is a sample here, but for WHOLE=1, as CI has it, and for each phase by its own name.
.PHONY: test
test: SHORT := $(if $(WHOLE),,1)
test: fresh static coverage simulation hostile playbooks beside $(if $(WHOLE),thorough)  ## all kinds of tests, of the long ones a sample: WHOLE=1
	@printf '\n%s\n' 'All phases passed:'
	cat build/phases
	printf '%-12s %4s s\n' 'in all' $$(( $$(date +%s) - $$(cat build/began) ))
	cat $(VENV)/kerberos
	$(if $(WHOLE),,echo 'Of what takes long this was a sample; make test WHOLE=1 plays all of it, as CI does.')

# Each of these keeps one core busy. What runs in the background is shown when it has ended.
.PHONY: static
static: $(VENV)/test-ready $(TOOLS)/ready build/links build/tree  # lint, and meanwhile types, imports and docs
	@$(MAKE) -k types imports docs > build/static.log 2>&1 & other=$$!
	ours=passed; $(MAKE) lint || ours=failed
	theirs=passed; wait $$other || theirs=failed
	cat build/static.log
	echo "== types, imports, docs: $$theirs; lint: $$ours"
	[ $$ours$$theirs = passedpassed ]

.PHONY: beside
beside: $(VENV)/test-ready $(TOOLS)/ready build/tree $(GET_PIP)  # integration, molecule and outside, and meanwhile sanity, import and units (which the coverage run has had)
	@$(MAKE) -k integration molecule outside > build/beside.log 2>&1 & other=$$!
	ours=passed; $(MAKE) -k sanity import $(if $(SHORT),,units) || ours=failed
	theirs=passed; wait $$other || theirs=failed
	cat build/beside.log
	echo "== integration, molecule, outside: $$theirs; sanity, import$(if $(SHORT),, and units): $$ours"
	[ $$ours$$theirs = passedpassed ]

.PHONY: check-fast
check-fast: fresh $(VENV)/test-ready $(TOOLS)/ready build/links  ## the quick part: ruff, mypy, layers, unit tests, a third of the contract tests' cases
	@$(MAKE) -k ruff types imports > build/static.log 2>&1 & other=$$!
	ours=passed; $(MAKE) contract || ours=failed
	theirs=passed; wait $$other || theirs=failed
	cat build/static.log build/phases
	echo "== ruff, types, imports: $$theirs; contract: $$ours"
	[ $$ours$$theirs = passedpassed ]

.PHONY: fresh
fresh:
	@rm -rf build/phases build/coverage
	mkdir -p build
	date +%s > build/began

.PHONY: ruff
ruff: $(TOOLS)/ready  ## ruff's rules and layout
	$(BEGIN)
	ruff check .
	ruff format --check .
	$(END)

.PHONY: lint
lint: ruff $(TOOLS)/ready build/tree  ## ruff, ansible-lint, changelog fragments
	$(BEGIN)
	ansible-lint --profile production --strict --offline
	antsibull-changelog lint
	$(END)

.PHONY: types
types: $(VENV)/test-ready $(TOOLS)/ready build/links  ## mypy, strict
	$(BEGIN)
	mypy --python-executable $(VENV)/bin/python
	$(END)

.PHONY: imports
imports: $(VENV)/demo-ready $(TOOLS)/ready build/links  ## the layers (nobody imports upwards) and the house's rules
	$(BEGIN)
	PYTHONPATH=build/links:. lint-imports --no-logo
	PYTHONPATH=. python tools/house.py
	$(END)

.PHONY: docs
docs: $(TOOLS)/ready build/tree  ## the modules' documentation, and whether its returned keys are what their source says
	$(BEGIN)
	python tools/module_docs.py --check
	antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs all --skip-rstcheck $(TREE)
	$(END)

.PHONY: sanity
sanity: $(VENV)/test-ready build/tree $(GET_PIP)  ## ansible-test sanity, without exceptions
	$(BEGIN)
	cd $(TREE)
	ansible-test sanity --local --python $(VERSION)
	$(END)

.PHONY: units
units: $(VENV)/test-ready build/tree $(GET_PIP)  ## ansible-test units
	$(BEGIN)
	cd $(TREE)
	ansible-test units --local --python $(VERSION)
	$(END)

.PHONY: contract
contract: $(VENV)/test-ready build/links  ## the quick unit and contract tests by plain pytest; ONE_CASE_IN=1 for all cases of each table
	$(BEGIN)
	ONE_CASE_IN=$(or $(ONE_CASE_IN),3) python -m pytest -n 2 --dist worksteal tests/unit tests/contract $(WITHOUT_PLAYBOOKS) -m 'not thorough and not servers and not slow'
	$(END)

.PHONY: coverage
coverage: $(VENV)/test-ready $(VENV)/kerberos build/links  ## the same with line and branch coverage, and its gate (the simulator's own apart)
	$(BEGIN)
	mkdir -p build/coverage
	$(if $(SHORT),ONE_CASE_IN=3) python -m pytest -n 3 --dist worksteal --cov --cov-config=pyproject.toml --cov-report= $(WITHOUT_PLAYBOOKS) --ignore $(OF_SIMULATOR) -m 'not thorough$(if $(SHORT), and not slow)'
	coverage json -q
	PYTHONPATH=. python tools/coverage_gate.py build/coverage/coverage.json
	$(END)

.PHONY: thorough
thorough: $(VENV)/test-ready build/links  ## every position of faults, kills and switches in turn, and whether planted mistakes are seen
	$(BEGIN)
	python -m pytest -n 2 --dist worksteal $(WITHOUT_PLAYBOOKS) --ignore tests/unit -m thorough
	python -m pytest tests/mutants
	$(END)

# Order in sets of texts depends on the hash seed: a seed is to be the same story always.
SOAK := PYTHONHASHSEED=0 PYTHONPATH=build/links:. python tools/soak.py

.PHONY: soak
soak: $(VENV)/test-ready build/links  ## play SEEDS=n seeded worlds of faults, from FIRST=1 on; ABOUT=policies, groups, fleets or changes
	@$(SOAK) --seeds $(or $(SEEDS),1000) --first $(or $(FIRST),1) $(if $(QUICK),--quick) $(if $(ABOUT),--about $(ABOUT)) $(if $(SERVICES),--services $(SERVICES))

.PHONY: scenarios
scenarios: $(VENV)/test-ready build/links  ## every task with every fault at every request, and a second one behind it; guarded changes with every single one; CASE=, ROW=, SINGLE=1
	@$(if $(CASE)$(ROW),,PYTHONHASHSEED=0 PYTHONPATH=build/links:. python -m tests.scenarios.changes)
	PYTHONHASHSEED=0 PYTHONPATH=build/links:. python tools/scenarios.py $(if $(CASE),--case '$(CASE)') $(if $(ROW),--row '$(ROW)') $(if $(SINGLE),--single)

.PHONY: transcripts
transcripts: $(VENV)/test-ready build/links  ## write tests/scenarios/transcripts: what each kind of task sends, and says at each fault
	@PYTHONHASHSEED=0 PYTHONPATH=build/links:. python -m tests.scenarios.transcript

.PHONY: simulation
simulation: $(VENV)/test-ready build/links  ## the simulator's own tests, 492 seeded worlds of faults, and whether broken clients are caught
	$(BEGIN)
	python -m pytest -n 2 --dist worksteal $(OF_SIMULATOR) $(if $(SHORT),-m 'not thorough')
	$(SOAK) --seeds $(if $(SHORT),40,300) --quick
	$(SOAK) --seeds $(if $(SHORT),12,60) --quick --about policies
	$(SOAK) --seeds $(if $(SHORT),12,60) --quick --about groups
	$(SOAK) --seeds $(if $(SHORT),2,12) --quick --about fleets
	$(SOAK) --seeds $(if $(SHORT),12,60) --quick --about changes
	PYTHONHASHSEED=0 python -m pytest -n 2 --dist worksteal tests/simulation $(if $(SHORT),-m 'not thorough')
	$(END)

.PHONY: hostile
hostile: $(VENV)/test-ready build/links  ## hostile and broken servers; wrong types in every field of every answer: SEED=, ALL=1, CASE=
	$(BEGIN)
	$(if $(CASE),,python -m pytest -n 2 --dist worksteal tests/hostile $(if $(SHORT),-m 'not thorough'))
	PYTHONHASHSEED=0 PYTHONPATH=build/links:. python tools/hostile.py --seed $(or $(SEED),1) $(if $(SHORT),--size 600) $(if $(ALL),--all) $(if $(CASE),--case $(CASE))
	$(END)

# Not a part of "make test". Makes an environment as users have it; FIGURES= names some of the figures.
.PHONY: bench
bench: $(VENV)/test-ready build/links  ## measure what a task costs, and keep it in build/bench.json: FIGURES=, AZCOLLECTION=1
	@PYTHONPATH=build/links:. python -m tests.bench $(FIGURES)

# Not a part of "make test". ONLY= plants every mistake whose line holds that text, FILES= those in files below
# plugins/module_utils; TESTS= names the tests to run then.
.PHONY: mutants
mutants: $(VENV)/test-ready $(VENV)/kerberos build/links  ## plant mistakes and list those that no test sees: SEED=, COUNT=, ONLY=, FILES=, TESTS=, BATCHES=
	@PYTHONPATH=. python tools/mutants.py --seed $(or $(SEED),1) $(if $(COUNT),--count $(COUNT)) $(if $(ONLY),--only '$(ONLY)') $(if $(FILES),--files $(FILES)) $(if $(TESTS),--tests $(TESTS)) $(if $(BATCHES),--batches $(BATCHES))

.PHONY: playbooks
playbooks: $(VENV)/test-ready $(VENV)/kerberos $(TOOLS)/ready build/links build/tree  ## every example of the documentation, by ansible-playbook
	$(BEGIN)
	$(if $(SHORT),ONE_CASE_IN=3) python -m pytest -n 4 --dist worksteal --durations 12 $(PLAYBOOKS) $(if $(SHORT),-m 'not thorough')  # they wait for each other as often as they work
	$(END)

.PHONY: killed
killed: $(VENV)/test-ready build/links build/tree  ## playbooks killed (SIGKILL) at every request in turn, run again, compared
	$(BEGIN)
	EVERY=1 python -m pytest -n 2 --dist worksteal -v $(addprefix $(PLAYBOOKS)/,test_killed.py test_saga_killed.py test_guarded_killed.py)
	$(END)

# In a tree of its own: it runs beside the other phases of one core, which write into theirs.
ALONE := build/integration/ansible_collections/$(NAMESPACE)/$(NAME)

.PHONY: integration
integration: export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/build/integration
integration: $(VENV)/test-ready $(GET_PIP)  ## ansible-test integration: playbooks against the simulator
	$(BEGIN)
	python tools/tree.py $(ALONE)
	cd $(ALONE)
	ansible-test integration --local --python $(VERSION)
	$(END)

# Not a part of "make test": it takes minutes, and downloads each ansible-core. VERSIONS="2.16 2.21" names some.
.PHONY: matrix
matrix: $(VENV)/demo-ready  ## the integration targets on every supported ansible-core: VERSIONS=
	@python tools/matrix.py $(VERSIONS)

.PHONY: molecule
molecule: $(VENV)/test-ready $(TOOLS)/ready build/tree  ## the molecule scenarios
	$(BEGIN)
	molecule test --all
	$(END)

.PHONY: import
import: $(VENV)/test-ready build/tree  ## build the collection and import it as Galaxy does
	$(BEGIN)
	rm -rf build/import
	ansible-galaxy collection build --output-path build/import > /dev/null
	cd build/import
	uv run -q --isolated --no-project -p $(CURDIR)/$(VENV)/bin/python --with 'galaxy-importer~=0.4.44,$(CORE)' python -m galaxy_importer.main $(NAMESPACE)-$(NAME)-*.tar.gz |& tee log
	if grep -q '^ERROR' log; then exit 1; fi
	$(END)

# What recordings and outside clients say of both sides: docs/conformance.md. AZ=1, DATAJS=1 and MONO=1 install theirs first.
OUTSIDE := build/conformance
MONO_PACKAGES := mono-mcs mono-runtime mono-runtime-common mono-runtime-sgen mono-gac mono-4.0-gac libmono-corlib4.5-dll \
	libmono-corlib4.5-cil libmono-system4.0-cil libmono-system-core4.0-cil libmono-system-numerics4.0-cil \
	libmono-system-xml4.0-cil libmono-system-xml-linq4.0-cil libmono-system-security4.0-cil \
	libmono-system-configuration4.0-cil libmono-security4.0-cil libmono-microsoft-csharp4.0-cil \
	libmono-system-data-services-client4.0-cil

.PHONY: conformance
conformance: $(VENV)/test-ready build/links build/tree $(foreach client,AZ DATAJS MONO,$(if $(filter 1,$($(client))),$(OUTSIDE)/$(client)))  ## recordings and outside clients against both sides; RECORDINGS=, AZ=1, DATAJS=1, MONO=1
	$(BEGIN)
	export AZ=$(AZ) DATAJS=$(DATAJS) MONO=$(MONO) RECORDINGS=$(RECORDINGS)
	python tools/restic.py
	python -m pytest -n 2 --dist worksteal tests/conformance
	$(END)

.PHONY: outside
outside: $(VENV)/test-ready build/links  ## the quick part of it: curl, SDKs, the player, restic
	$(BEGIN)
	python tools/restic.py
	python -m pytest -n 2 --dist worksteal tests/conformance -k 'curl or sdks or page or restic or not_in_the_recording'
	$(END)

$(OUTSIDE)/AZ: | $(VENV)/test-ready
	@uv venv -q --clear -p $(VENV)/bin/python $(OUTSIDE)/az
	uv pip install -q -p $(OUTSIDE)/az/bin/python 'azure-cli~=2.91'
	touch $@

$(OUTSIDE)/DATAJS:
	@mkdir -p $(OUTSIDE)/datajs
	npm install --silent --ignore-scripts --no-audit --no-fund --prefix $(OUTSIDE)/datajs datajs@1.0.3
	touch $@

# Debian's packages, unpacked; nothing is installed.
$(OUTSIDE)/MONO:
	@mkdir -p $(OUTSIDE)/mono/debs
	cd $(OUTSIDE)/mono/debs
	apt-get download -q $(MONO_PACKAGES)
	for package in *.deb; do dpkg -x "$$package" ..; done
	touch $(CURDIR)/$@

.PHONY: clean
clean:  ## remove everything made here
	@rm -rf build $(VENV) $(TOOLS)

# One line when the Python is missing or unfit, before anything else is tried.
.PHONY: python
python:
	@complaint=$$($(PYTHON) tools/check_python.py 2>/dev/null) && exit 0
	echo "$${complaint:-Python 3.11 to 3.13 is needed, and '$(PYTHON)' does not run. Choose another: make PYTHON=python3.12 test}" >&2
	exit 1

$(VENV)/made-by-python$(VERSION): | python
	@echo 'Making $(VENV) with Python $(VERSION)'
	rm -rf $(VENV) $(TOOLS)
	$(PYTHON) -m venv $(VENV)
	pip install -q uv
	touch $@

# uv leaves bytecode to the first import, and some machines never write it: compiled here, a task starts twice as fast.
$(VENV)/demo-ready: $(VENV)/made-by-python$(VERSION) requirements.txt requirements-core.txt requirements-simulator.txt
	@uv pip install -q --compile-bytecode -p $(VENV)/bin/python -r requirements.txt -r requirements-core.txt -r requirements-simulator.txt
	touch $@

$(VENV)/test-ready: $(VENV)/demo-ready requirements-test.txt
	@uv pip install -q --compile-bytecode -p $(VENV)/bin/python -r requirements-test.txt
	touch $@

# What the Kerberos tests need beside it; holds the reason where it cannot be had.
$(VENV)/kerberos: $(VENV)/test-ready tools/kerberos.py
	@python tools/kerberos.py $(VENV)/bin/python > $@
	cat $@

$(TOOLS)/ready: $(VENV)/made-by-python$(VERSION) requirements-tools.txt requirements-core.txt
	@[ -x $(TOOLS)/bin/python ] || uv venv -q -p $(VENV)/bin/python $(TOOLS)
	uv pip install -q --compile-bytecode -p $(TOOLS)/bin/python -r requirements-tools.txt
	touch $@

# ansible-test fetches this script from its own host; pip's wheel from PyPI serves where that host is out of reach.
$(GET_PIP): | $(VENV)/made-by-python$(VERSION)
	@mkdir -p $(@D)
	pip download -q --no-deps -d $(@D) pip==$(GET_PIP_VERSION)
	printf '%s\n' \
		'import sys' \
		'wheel = "$(@D)/pip-$(GET_PIP_VERSION)-py3-none-any.whl"' \
		'sys.path.insert(0, wheel)' \
		'from pip._internal.cli.main import main' \
		'sys.exit(main(["install", "-q", "--force-reinstall", "--no-index", wheel]))' > $@

# The collection under its own name, for Python: links, so it is never stale.
build/links: Makefile
	@mkdir -p $(LINKS)
	for directory in plugins simulator tests; do ln -sfn $(CURDIR)/$$directory $(LINKS)/$$directory; done
	touch $@

# The collection where Ansible's tools look for it: a copy of what ships, made anew when a file has changed.
# Its own .git keeps ansible-test from consulting this checkout's .gitignore, by which there would be nothing to test.
.PHONY: build/tree
build/tree: $(VENV)/demo-ready
	@python tools/tree.py $(TREE)
