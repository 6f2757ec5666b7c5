#!/usr/bin/env bash
# Runs the tests that come with the client against the embedded engine, file by file, and prints a line for each file.
# usage: scripts/client-suites.sh [OUTPUT_DIRECTORY] [options of run_client_suite.py, such as --groups nx or --only test_graph]
# GSC_SHARED names the directory with clients/run_client_suite.py and data/gstest.tar.xz, GSC_BINARY the coordinator
# (default: the debug build), GSC_PYTHON an interpreter with the tests' requirements. All groups take more than an hour.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
shared=$(realpath "${GSC_SHARED:-../shared}")
binary=${GSC_BINARY:-$PWD/.build/debug/gscoordinator}
python=${GSC_PYTHON:-$PWD/.venv-tests/bin/python}
output=${1:-client-suites}
shift || true

scratch=$(mktemp -d)
coordinator=
end() {
  [[ -z $coordinator ]] || { kill -INT "$coordinator" && wait "$coordinator" || true; }
  rm -rf "$scratch"
}
trap end EXIT

mkdir "$scratch/data"
tar xf "$shared/data/gstest.tar.xz" -C "$scratch/data"
"$python" Tests/ClientTests/suite_data.py "$scratch/data"

# Standard output stays open until the coordinator ends; its first line names the address.
mkfifo "$scratch/line"
"$binary" --port 0 --workspace "$scratch/workspace" >"$scratch/line" 2>"$scratch/log" &
coordinator=$!
exec 3<"$scratch/line"
read -r line <&3

groups=(--groups "unittest,minitest,nx,nx_builtin,nx_forward")
[[ " $* " != *" --groups "* ]] || groups=()
TMPDIR=$scratch "$python" "$shared/clients/run_client_suite.py" --gs-test-dir "$scratch/data" --addr "${line##* }" \
  --out "$output" "${groups[@]}" "$@"
