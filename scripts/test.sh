#!/usr/bin/env bash
# Runs every check and every test of the repository, after installing what they need.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
step() { printf '\n== %s\n' "$*"; }

step "system packages"
scripts/install-system-packages.sh build test native

step "formatting"
swift format lint --strict --recursive Sources Tests Benchmarks Package.swift

step "generated protocol code is current"
scripts/generate-proto.sh --check

step "build"
swift build --build-tests

step "Swift tests"
# What failed stands at the end once more, where a thousand lines of what passed do not hide it.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
swift test --skip-build 2>&1 | tee "$log" || {
  grep -A 4 -E '✘|error: -|Fatal error|Crash' "$log" >&2
  exit 1
}

step "GraphScope's own engines"
# Their tests are skipped where they are not installed; here nothing is to be skipped. GSC_NATIVE_PYTHON names an environment
# that is there already.
export GSC_NATIVE_PYTHON=${GSC_NATIVE_PYTHON:-$PWD/.venv-native}
[[ $GSC_NATIVE_PYTHON != "$PWD/.venv-native" ]] || scripts/make-native-venv.sh "$GSC_NATIVE_PYTHON"
compgen -G "$GSC_NATIVE_PYTHON/lib/python3*/site-packages/graphscope.runtime/bin/grape_engine" >/dev/null || {
  echo "test.sh: GraphScope's engines are not in '$GSC_NATIVE_PYTHON': run scripts/make-native-venv.sh" >&2
  exit 1
}

step "client tests"
venv=.venv-tests
scripts/make-venv.sh "$venv" Tests/ClientTests/requirements.txt
GSC_BINARY=${GSC_BINARY:-$PWD/.build/debug/gscoordinator} "$venv/bin/python" -m pytest Tests/ClientTests
