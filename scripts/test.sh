#!/usr/bin/env bash
# Runs every check and every test of the repository, after installing their requirements.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
step() { printf '\n== %s\n' "$*"; }

step "system packages"
scripts/install-system-packages.sh build test native

# Packages from PyPI are downloaded during the build. A failure is reported where the script waits for it.
export GSC_NATIVE_PYTHON=${GSC_NATIVE_PYTHON:-$PWD/.venv-native}
venv=.venv-tests
environments() {
  scripts/make-venv.sh "$venv" Tests/ClientTests/requirements.txt
  [[ $GSC_NATIVE_PYTHON != "$PWD/.venv-native" ]] || scripts/make-native-venv.sh "$GSC_NATIVE_PYTHON"
}
environments &
environments=$!
trap 'kill $environments 2>/dev/null || true' EXIT

step "formatting"
swift format lint --strict --recursive Sources Tests Benchmarks Package.swift

step "generated protocol code is current"
scripts/generate-proto.sh --check

step "floors"
scripts/check-floors.py

step "build"
# Without debug information, which is not needed here and takes a sixth of the time.
swift build --build-tests -debug-info-format none --explicit-target-dependency-import-check error

step "Swift tests"
# Failures are repeated at the end, where a thousand lines of passed tests do not hide them.
log=$(mktemp)
trap 'rm -f "$log"; kill $environments 2>/dev/null || true' EXIT
swift test --skip-build 2>&1 | tee "$log" || {
  grep -A 4 -E '✘|error: -|Fatal error|Crash' "$log" >&2
  exit 1
}

step "GraphScope's own engines"
# Their tests are skipped if they are not installed, but nothing may be skipped here. GSC_NATIVE_PYTHON can name an existing
# environment.
wait "$environments"
compgen -G "$GSC_NATIVE_PYTHON/lib/python3*/site-packages/graphscope.runtime/bin/grape_engine" >/dev/null || {
  echo "test.sh: GraphScope's engines are not in '$GSC_NATIVE_PYTHON': run scripts/make-native-venv.sh" >&2
  exit 1
}

step "client tests"
# Two halves run in parallel, because most tests wait most of the time. The output of the second is shown after the first ends.
client_tests() {
  GSC_BINARY=${GSC_BINARY:-$PWD/.build/debug/gscoordinator} "$venv/bin/python" -m pytest "$@"
}
native_log=$(mktemp)
# As long as the tests of GraphScope's engines take, so do those of the rest without these files.
second=(learning.py client_suites.py)
client_tests Tests/ClientTests/test_native*.py "${second[@]/#/Tests/ClientTests/test_}" >"$native_log" 2>&1 &
native=$!
trap 'rm -f "$log" "$native_log"; kill $native 2>/dev/null || true' EXIT
failed=0
client_tests --ignore-glob='*/test_native*.py' "${second[@]/#/--ignore=Tests/ClientTests/test_}" Tests/ClientTests || failed=1
wait "$native" || failed=1
cat "$native_log"
exit "$failed"
