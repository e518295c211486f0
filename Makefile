# Two commands matter: `make run` and `make test`. The rest is for those who work on the product.

PYTHON ?= python3
WORKERS ?= 3
HOST = $${CAMPAIGN_HOST:-127.0.0.1}
PORT = $${CAMPAIGN_PORT:-8000}
BIN = .venv/bin
PIP = $(BIN)/python -m pip install -qq --disable-pip-version-check
FLASK = $(BIN)/flask --app wsgi
PACKAGES = chromium fonts-noto-cjk fontconfig

.PHONY: help run test check bench shots clean venv installed installed-dev browser

help:
	@echo "make run     the product with its demonstration, at http://$(HOST):$(PORT)"
	@echo "make test    everything that must hold, on both databases and in a real browser"
	@echo "make check   style, types and the tests of the building: fast, before every commit"
	@echo "make bench   the benchmark: each figure beside the machine's own limit"
	@echo "make shots   the screenshots of the README, taken from the demonstration"
	@echo "make clean   takes away what can be made again; data stays"

# -- the product -------------------------------------------------------------------------------------------------------

run: export CAMPAIGN_ENV := demo
run: installed
	@$(FLASK) db upgrade
	@$(FLASK) demo load --once
	@printf '\nThe pages:   http://%s:%s\nThe data:    %s\nStop both:   Ctrl-C\n\n' \
	    "$(HOST)" "$(PORT)" "$${CAMPAIGN_DATA_DIR:-./instance}"
	@# Whichever of the two ends first, the other is stopped too: half a product would only look like one.
	@$(BIN)/python -m campaign.serve & web=$$!; \
	$(BIN)/python -m jobs & clock=$$!; \
	stop() { trap '' INT TERM; kill $$web $$clock 2>/dev/null; wait $$web $$clock 2>/dev/null; }; \
	trap 'stop; echo "Stopped. The data stays; make run goes on with it."; exit 0' INT TERM; \
	while kill -0 $$web 2>/dev/null && kill -0 $$clock 2>/dev/null; do sleep 1; done; \
	stop; echo "The web process or the scheduler has ended by itself; its last lines above say why." >&2; exit 1

# -- proof -------------------------------------------------------------------------------------------------------------

test: installed-dev browser
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

check: installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/house

bench: installed-dev
	@$(BIN)/python -m bench $(ARGS)

shots: installed-dev browser
	@$(BIN)/python -m bench.shots docs/screenshots

# -- what they need ----------------------------------------------------------------------------------------------------

venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	    { echo "Python 3.11 or newer is needed as $(PYTHON); name another with: make PYTHON=python3.12 …" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
	    { rm -rf .venv; echo "Python cannot make a .venv here; on Debian: apt-get install python3-venv" >&2; exit 1; }

installed: venv
	@cmp -s requirements.txt .venv/installed.txt || { \
	    echo "Installing what the product runs on (once, about half a minute) …"; \
	    $(PIP) -r requirements.txt && cp requirements.txt .venv/installed.txt; }

installed-dev: installed
	@cmp -s requirements-dev.txt .venv/installed-dev.txt || { \
	    echo "Installing what the tests need (once, about a minute) …"; \
	    $(PIP) -r requirements-dev.txt && cp requirements-dev.txt .venv/installed-dev.txt; }

browser:
	@if command -v chromium >/dev/null && fc-list :lang=zh 2>/dev/null | grep -q .; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
	    echo "The browser tests need Chromium and a Chinese font; on Debian: apt-get install $(PACKAGES)" >&2; exit 1; \
	fi; \
	echo "Installing Chromium and a Chinese font (once) …"; \
	export DEBIAN_FRONTEND=noninteractive; \
	apt-get -qq -o DPkg::Lock::Timeout=600 update && \
	apt-get -qq -y -o DPkg::Lock::Timeout=600 install --no-install-recommends $(PACKAGES) >/dev/null || \
	    { echo "Chromium and a Chinese font could not be installed: apt-get install $(PACKAGES)" >&2; exit 1; }

clean:
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build
	@find campaign jobs tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Clean. The data folder was left as it is."
