#!/usr/bin/env bash
# Compares the coordinator with the Python coordinator, a grpcio server and nghttpd, and its state stores with SQLite and
# etcd themselves, and prints a Markdown table.
# usage: Benchmarks/run.sh [--no-peer] [WHAT]...      (default: all parts that Benchmarks/__main__.py lists)
# GSC_BINARY, GSC_STORE_BENCHMARK, GSC_ESTIMATE_BENCHMARK, GSC_SCHEDULER_BENCHMARK and GSC_INTEROP name binaries to use instead of the
# release build; GSC_PEER_PYTHON names an interpreter that has the Python coordinator.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/install-system-packages.sh build test
# Builds PRODUCT, unless the environment names another binary in VARIABLE.
build() {
  local product=$1 variable=$2
  [[ -n ${!variable:-} ]] && return
  swift build -c release --static-swift-stdlib --product "$product"
  export "$variable=$PWD/.build/release/$product"
}
build gscoordinator GSC_BINARY
build StoreBenchmark GSC_STORE_BENCHMARK
build EstimateBenchmark GSC_ESTIMATE_BENCHMARK
build SchedulerBenchmark GSC_SCHEDULER_BENCHMARK
[[ " $* " != *" transport "* ]] || build grpc-interop GSC_INTEROP
scripts/make-venv.sh .venv-tests Tests/ClientTests/requirements.txt
if [[ " $* " != *" --no-peer "* && -z ${GSC_PEER_PYTHON:-} ]]; then
  [[ -x .venv-peer/bin/python ]] || {
    python3 -m venv .venv-peer
    .venv-peer/bin/pip install --quiet -r Benchmarks/requirements-peer.txt
  }
  export GSC_PEER_PYTHON=$PWD/.venv-peer/bin/python
fi
exec .venv-tests/bin/python -m Benchmarks "$@"
