#!/usr/bin/env bash
# Measures the coordinator beside the Python coordinator, a grpcio server and nghttpd, and its state stores beside SQLite
# and etcd themselves, and prints a Markdown table.
# usage: Benchmarks/run.sh [--no-peer] [start|heartbeat|step|job|store|journal|recovery|idle|estimate]...      (default: all)
# GSC_BINARY, GSC_STORE_BENCHMARK and GSC_ESTIMATE_BENCHMARK name other binaries than those of the release build, GSC_PEER_PYTHON an interpreter
# that has the Python coordinator.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/install-system-packages.sh build test
if [[ -z ${GSC_BINARY:-} ]]; then
  swift build -c release --static-swift-stdlib --product gscoordinator
  export GSC_BINARY=$PWD/.build/release/gscoordinator
fi
if [[ -z ${GSC_STORE_BENCHMARK:-} ]]; then
  swift build -c release --static-swift-stdlib --product StoreBenchmark
  export GSC_STORE_BENCHMARK=$PWD/.build/release/StoreBenchmark
fi
if [[ -z ${GSC_ESTIMATE_BENCHMARK:-} ]]; then
  swift build -c release --static-swift-stdlib --product EstimateBenchmark
  export GSC_ESTIMATE_BENCHMARK=$PWD/.build/release/EstimateBenchmark
fi
scripts/make-venv.sh .venv-tests Tests/ClientTests/requirements.txt
if [[ " $* " != *" --no-peer "* && -z ${GSC_PEER_PYTHON:-} ]]; then
  [[ -x .venv-peer/bin/python ]] || {
    python3 -m venv .venv-peer
    .venv-peer/bin/pip install --quiet -r Benchmarks/requirements-peer.txt
  }
  export GSC_PEER_PYTHON=$PWD/.venv-peer/bin/python
fi
exec .venv-tests/bin/python -m Benchmarks "$@"
