#!/usr/bin/env bash
# Compares every algorithm with networkx on random graphs: scripts/compare-algorithms.sh [GRAPHS] [FIRST_SEED]
# GSC_BINARY names the coordinator (default: the debug build), GSC_PYTHON an interpreter with the tests' requirements.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export GSC_ALGORITHM_GRAPHS=${1:-2000} GSC_ALGORITHM_SEED=${2:-0}
exec "${GSC_PYTHON:-.venv-tests/bin/python}" -m pytest Tests/ClientTests/test_algorithms_networkx.py -q --timeout 0
